#include "StoreFaults.h"

#include "p2/core/Words.h"
#include "p2/xmpp/StanzaError.h"

#include <Poco/Logger.h>

#include <utility>

namespace p2::proxy {

namespace {

constexpr std::chrono::minutes kReminder{10};
// One that does some things and not others, and fails and works again with each request, would fill the log:
// so soon after the last time, only what lasts is told.
constexpr std::chrono::minutes kQuiet{1};
constexpr std::chrono::seconds kMoment{10};

}  // namespace

StoreFaults::StoreFaults(const store::Registrations& store, const StoreTimes& times, const core::Clock& clock,
                         core::Metrics& metrics)
    : _store(store),
      _times(times),
      _clock(clock),
      _count(metrics.counter("p2_store_faults_total", "Requests answered wait because of the store.")),
      _log(clock) {}

/// A disk that hangs says nothing of itself.
std::string StoreFaults::fault() const {
  auto fault = _store.lastFault();
  return fault.empty() ? _times.standstill() : fault;
}

/// What the store does not say of itself concerns this request alone.
void StoreFaults::answer(const std::string& why, xmpp::Responder& responder) {
  const auto countBefore = _count.value();
  _count.add();
  if (fault().empty()) {
    _log.note(Poco::Message::PRIO_ERROR, "the store: " + why);
  } else {
    begin(why, countBefore);
  }
  responder.error(xmpp::StanzaError::tryLater());
}

void StoreFaults::watch() {
  const auto now = fault();
  if (!now.empty()) begin(now, _count.value());
  log(_state.with([&](State& state) { return lineAfter(state, now); }));
}

std::optional<StoreFaults::WallTime> StoreFaults::failingSince() const {
  return _state.with(
      [](const State& state) { return state.outage ? std::optional(state.outage->since) : std::nullopt; });
}

void StoreFaults::begin(const std::string& why, std::uint64_t countBefore) {
  log(_state.with([&](State& state) -> std::optional<Line> {
    if (state.outage) {
      state.outage->seemsOver = false;
      return std::nullopt;
    }
    const auto now = _clock.now();
    state.outage = Outage{_clock.wallTime(), now, now, countBefore};
    const bool cameBackJustNow = state.lastEnd && now - *state.lastEnd < kQuiet;
    const bool wasToldJustNow = state.lastTold && now - *state.lastTold < kReminder;
    if (cameBackJustNow && wasToldJustNow) return std::nullopt;
    return beginningOf(state, why);
  }));
}

StoreFaults::Line StoreFaults::beginningOf(State& state, const std::string& why) const {
  state.outage->isTold = true;
  state.lastTold = state.outage->lastLine = _clock.now();
  return {false, "the store fails, and servers and phones are asked to wait until it works: " + why};
}

std::string StoreFaults::extentOf(const Outage& outage) const {
  const auto lasted = std::chrono::duration_cast<std::chrono::seconds>(_clock.now() - outage.begin);
  const auto waiting = _count.value() - outage.countAtBegin;
  return core::inWords(lasted) + ", in which " + core::grouped(waiting) +
         (waiting == 1 ? " request was" : " requests were") + " asked to wait";
}

/// One that works for a moment only, between two looks, does not work again.
std::optional<StoreFaults::Line> StoreFaults::lineAfter(State& state, const std::string& fault) const {
  auto& outage = state.outage;
  if (!outage) return std::nullopt;
  const auto now = _clock.now();
  if (fault.empty()) {
    if (!std::exchange(outage->seemsOver, true)) return std::nullopt;
    const auto over = *std::exchange(outage, std::nullopt);
    state.lastEnd = now;
    if (!over.isTold) return std::nullopt;
    return Line{true, "the store works again, after " + extentOf(over)};
  }
  if (!outage->isTold) {
    return now - outage->begin < kMoment ? std::nullopt : std::optional(beginningOf(state, fault));
  }
  if (now - outage->lastLine < kReminder) return std::nullopt;
  outage->lastLine = now;
  return Line{false, "the store still fails, for " + extentOf(*outage) + ": " + fault};
}

void StoreFaults::log(const std::optional<Line>& line) {
  if (!line) return;
  auto& logger = Poco::Logger::get("proxy");
  if (line->isEnd) {
    logger.notice(line->text);
  } else {
    logger.error(line->text);
  }
}

}  // namespace p2::proxy
