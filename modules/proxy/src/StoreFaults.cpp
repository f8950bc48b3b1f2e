#include "StoreFaults.h"

#include "p2/core/Words.h"
#include "p2/xmpp/StanzaError.h"

#include <Poco/Logger.h>

#include <utility>

namespace p2::proxy {

namespace {

constexpr std::chrono::minutes kReminder{10};

Poco::Logger& logger() {
  return Poco::Logger::get("proxy");
}

}  // namespace

StoreFaults::StoreFaults(const store::Registrations& store, const core::Clock& clock, core::Metrics& metrics)
    : _store(store),
      _clock(clock),
      _count(metrics.counter("p2_store_faults_total", "Requests answered wait because of the store.")),
      _log(clock) {}

/// What the store does not say of itself concerns this request alone.
void StoreFaults::answer(const std::string& why, xmpp::Responder& responder) {
  const auto countBefore = _count.value();
  _count.add();
  if (_store.lastFault().empty()) {
    _log.note(Poco::Message::PRIO_ERROR, "the store: " + why);
  } else {
    begin(why, countBefore);
  }
  responder.error(xmpp::StanzaError::tryLater());
}

void StoreFaults::watch() {
  const auto fault = _store.lastFault();
  if (!fault.empty()) begin(fault, _count.value());
  const auto line = _outage.with([&](std::optional<Outage>& outage) { return lineAfter(outage, fault); });
  if (!line) return;
  if (line->isEnd) {
    logger().notice(line->text);
  } else {
    logger().error(line->text);
  }
}

std::optional<StoreFaults::WallTime> StoreFaults::failingSince() const {
  return _outage.with([](const std::optional<Outage>& outage) {
    return outage ? std::optional(outage->since) : std::nullopt;
  });
}

/// Says so, unless that has been said.
void StoreFaults::begin(const std::string& why, std::uint64_t countBefore) {
  const auto now = _clock.now();
  const bool isNew = _outage.with([&](std::optional<Outage>& outage) {
    if (outage) {
      outage->seemsOver = false;
      return false;
    }
    outage = Outage{_clock.wallTime(), now, now, countBefore};
    return true;
  });
  if (isNew)
    logger().error("the store fails, and servers and phones are asked to wait until it works: " + why);
}

std::string StoreFaults::extentOf(const Outage& outage, core::Clock::TimePoint now) const {
  const auto lasted = std::chrono::duration_cast<std::chrono::seconds>(now - outage.begin);
  const auto waiting = _count.value() - outage.countAtBegin;
  return core::inWords(lasted) + ", in which " + core::grouped(waiting) +
         (waiting == 1 ? " request was" : " requests were") + " asked to wait";
}

/// One that works for a moment only, between two looks, does not work again.
std::optional<StoreFaults::Line> StoreFaults::lineAfter(std::optional<Outage>& outage,
                                                        const std::string& fault) const {
  if (!outage) return std::nullopt;
  const auto now = _clock.now();
  if (fault.empty() && std::exchange(outage->seemsOver, true)) {
    Line line{true, "the store works again, after " + extentOf(*outage, now)};
    outage.reset();
    return line;
  }
  if (fault.empty() || now - outage->lastLine < kReminder) return std::nullopt;
  outage->lastLine = now;
  return Line{false, "the store still fails, for " + extentOf(*outage, now) + ": " + fault};
}

}  // namespace p2::proxy
