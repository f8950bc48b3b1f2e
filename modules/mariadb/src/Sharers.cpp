#include "Sharers.h"

#include "p2/store/Identity.h"

#include <algorithm>
#include <utility>

namespace p2::mariadb {

namespace {

// Whoever was not there for so long has ended without a word. If it was only cut off, it lists itself anew.
constexpr std::chrono::hours kDeadAfter{1};

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
  auto done = connection.execute(serves ? "insert into serving (instance, beat) values (" + own +
                                              ", 1) on duplicate key update beat = beat + 1"
                                        : "delete from serving where instance = " + own);
  if (!done.ok()) return done.fault();
  _isListed = serves;
  return std::nullopt;
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
