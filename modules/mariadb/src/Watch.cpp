#include "Watch.h"

#include "Pages.h"
#include "Session.h"

#include <chrono>
#include <exception>
#include <utility>

namespace p2::mariadb {

namespace {

// A host that is down is let alone for longer than this by Hosts, while others are asked.
constexpr std::chrono::seconds kEvery{1};
constexpr int kRoundsPerLook = 10;

/// As much as a look-up does that finds nothing.
MaybeFault lookUpNothing(Connection& connection) {
  if (auto fault = connection.readCausally()) return fault;
  if (auto any = readHoldsAny(connection); !any.ok()) return any.fault();
  return connection.checkServes();
}

}  // namespace

Watch::Watch(Hosts& hosts, Lookups& lookups, const Writer& writer, std::function<void()> write,
             std::function<void(Connection&)> visit)
    : _hosts(hosts),
      _lookups(lookups),
      _writer(writer),
      _write(std::move(write)),
      _visit(std::move(visit)),
      _rounds(kEvery, [this](const auto&) { return goRound(); }) {}

core::Rounds::Duration Watch::goRound() noexcept {
  try {
    const bool looks = _round++ % kRoundsPerLook == 0;
    tryAll(looks);
    if (looks) _hosts.lookAtFailed();
  } catch (const std::exception&) {
    // No memory, even for a text: the next round tries again.
  }
  return kEvery;
}

/// What cannot be read cannot be written, and need not be tried.
void Watch::tryAll(bool alsoIfWell) {
  const bool cannotWrite = !_writer.lastFault().empty();
  if (!alsoIfWell && !cannotWrite && _lookups.lastFault().empty()) return;
  const auto fault = tryReading(cannotWrite);
  _lookups.note(fault);
  if (!fault && cannotWrite) _write();
}

MaybeFault Watch::tryReading(bool cannotWrite) {
  Session session(_hosts);
  auto tried = session.read([&](Connection& connection) -> Outcome<bool> {
    if (auto fault = lookUpNothing(connection)) return std::move(*fault);
    if (!cannotWrite) _visit(connection);
    return true;
  });
  return tried.ok() ? MaybeFault() : tried.fault();
}

}  // namespace p2::mariadb
