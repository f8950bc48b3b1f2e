#include "Sharers.h"

#include "p2/store/Identity.h"

#include <algorithm>
#include <utility>

namespace p2::mariadb {

namespace {

// Whoever was not there for so long has ended without a word. If it was only cut off, it lists itself anew.
constexpr std::chrono::hours kDeadAfter{1};
// Less than that: then another p2 may have removed this one's row.
constexpr std::chrono::minutes kOwnFor{50};

}  // namespace

MaybeFault Sharers::look(Connection& connection, bool serves) {
  if (auto fault = drawName()) return fault;
  if (auto fault = countOn(connection, serves)) return fault;
  auto rows = connection.query("select instance, beat from serving where instance <> " + textLiteral(_own));
  if (!rows.ok()) return rows.fault();
  std::map<std::string, std::int64_t> beats;
  while (rows.value().next()) {
    beats.emplace(rows.value().text(0).value_or(""), rows.value().number(1));
  }
  note(beats);
  return removeDead(connection);
}

MaybeFault Sharers::drawName() {
  if (!_own.empty()) return std::nullopt;
  auto drawn = store::drawNode();
  if (!drawn.ok()) return Fault{Fault::Kind::refused, drawn.error()};
  _own = std::move(drawn).value();
  return std::nullopt;
}

MaybeFault Sharers::countOn(Connection& connection, bool serves) {
  if (!serves && !_isListed) return std::nullopt;
  const auto own = textLiteral(_own);
  const auto beat = std::to_string(++_beat);
  // Before its row goes: else the host on which it is gone already would look like one that lags behind.
  if (!serves) _acknowledged.with([](Own& known) { known = Own(); });
  auto done = connection.execute(serves ? "insert into serving (instance, beat) values (" + own + ", " +
                                              beat + ") on duplicate key update beat = " + beat
                                        : "delete from serving where instance = " + own);
  if (!done.ok()) return done.fault();
  _isListed = serves;
  if (!serves) return std::nullopt;
  _acknowledged.with([&](Own& known) { known = {_own, connection.name(), _beat, _clock.now()}; });
  return std::nullopt;
}

MaybeFault Sharers::checkKeepsUp(Connection& connection) const {
  const auto own = _acknowledged.with([](const Own& known) { return known; });
  if (own.beat == 0 || _clock.now() - own.since > kOwnFor) return std::nullopt;
  auto rows = connection.query("select beat from serving where instance = " + textLiteral(own.instance));
  if (!rows.ok()) return rows.fault();
  const bool isListed = rows.value().next();
  if (isListed && rows.value().number(0) >= own.beat) return std::nullopt;
  // Where it was written it cannot lag: another p2 has removed it, as this one's machine was suspended, for
  // one.
  if (!isListed && connection.name() == own.host) return std::nullopt;
  return Fault{Fault::Kind::unfit,
               "The database " + connection.name() +
                   " lacks what this p2 has written to another host: it is a replica that lags behind, or no "
                   "replica. If it shall serve as it is, restart p2."};
}

void Sharers::note(const std::map<std::string, std::int64_t>& beats) {
  const auto now = _clock.now();
  std::erase_if(_known, [&](const auto& known) { return beats.count(known.first) == 0; });
  for (const auto& [instance, beat] : beats) {
    const auto [known, isNew] = _known.try_emplace(instance, Other{beat, now});
    if (isNew || known->second.beat == beat) continue;
    known->second = {beat, now, true};
  }
  _others = static_cast<std::size_t>(std::count_if(_known.begin(), _known.end(), [&](const auto& known) {
    return known.second.countsOn && now - known.second.since <= kGoneAfter;
  }));
}

/// Only what still stands where it stood: it may be back.
MaybeFault Sharers::removeDead(Connection& connection) {
  const auto oldest = _clock.now() - kDeadAfter;
  for (const auto& [instance, other] : _known) {
    if (other.since >= oldest) continue;
    auto done = connection.execute("delete from serving where instance = " + textLiteral(instance) +
                                   " and beat = " + std::to_string(other.beat));
    if (!done.ok()) return done.fault();
  }
  return std::nullopt;
}

}  // namespace p2::mariadb
