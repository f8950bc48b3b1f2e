#include "daemon/SecondWatch.h"

#include "daemon/Logger.h"
#include "daemon/Round.h"
#include "p2/core/Words.h"

#include <chrono>
#include <string>
#include <utility>

namespace p2::app {

namespace {

constexpr std::chrono::seconds kRest{1};

}  // namespace

SecondWatch::SecondWatch(std::string jid, const core::Clock& clock)
    : _jid(std::move(jid)), _clock(clock), _rounds(core::Rounds::Duration::zero(), [this](const auto&) {
        goRound("it is not watched whether there is another p2", [this] { look(); });
        return kRest;
      }) {}

void SecondWatch::note() {
  _seen.with([this](Seen& seen) { seen.last = _clock.now(); });
}

bool SecondWatch::sees() const {
  return _seen.with([this](const Seen& seen) { return isRecent(seen); });
}

std::string SecondWatch::fault() const {
  return sees() ? text() : std::string();
}

bool SecondWatch::isRecent(const Seen& seen) const {
  return seen.last && _clock.now() - *seen.last < kOverAfter;
}

std::string SecondWatch::text() const {
  return "another p2 is connected to the XMPP server as " + _jid +
         ", and does not share this one's store: a phone is known to one of the two only, and of its pushes "
         "those that come to the other are lost. Stop the one that should not be there, or let them share a "
         "store (store.kind = mariadb). Until then no server is told that a phone is unknown or gone.";
}

void SecondWatch::look() {
  const auto [before, now] = _seen.with([this](Seen& seen) {
    const bool recent = isRecent(seen);
    return std::pair(std::exchange(seen.told, recent), recent);
  });
  if (!before && now) logger().error(text());
  if (before && !now) {
    logger().notice("no other p2 has shown itself as " + _jid + " for " + core::inWords(kOverAfter) +
                    ": servers are told again of phones that are unknown or gone");
  }
}

}  // namespace p2::app
