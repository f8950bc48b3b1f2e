#include "p2/store/ServiceTime.h"

#include "p2/store/Bytes.h"

#include <algorithm>
#include <utility>

namespace p2::store {

namespace {

constexpr std::uint8_t kVersion = 1;
// Further from 1970, or longer, than any clock shows; sums of such numbers do not overflow.
constexpr std::int64_t kMost = std::int64_t{1} << 40U;
// Two p2 of one store that count the same time differ by no more.
constexpr std::chrono::hours kAlike{1};
constexpr std::uint64_t kMissing = ~std::uint64_t{0} >> 1U;

void putNumber(std::string& out, std::int64_t number) {
  putInteger(out, static_cast<std::uint64_t>(number));
}

}  // namespace

void ServiceTime::begin(Time wall) {
  _spans.push_back({wall, wall, _total - wall.time_since_epoch(), _total});
  if (_spans.size() > kMostSpans) mergeClosest();
}

void ServiceTime::advance(Time wall, Seconds by) {
  _total += by;
  Span& current = _spans.back();
  current.last = std::max(current.last, wall);
  current.atLast = _total;
}

void ServiceTime::join(const ServiceTime& other) {
  ServiceTime less = other;
  if (other._total > _total) std::swap(*this, less);
  _allRenewedAt = std::max(_allRenewedAt, less._allRenewedAt);
  for (const Span& span : less._spans) learn(span);
}

/// What another clock has shown: most is what this one has shown too.
void ServiceTime::learn(const Span& span) {
  const auto known = std::find_if(_spans.begin(), _spans.end(), [&](const Span& one) {
    return std::chrono::abs(one.lead - span.lead) <= kAlike && one.first <= span.last &&
           span.first <= one.last;
  });
  if (known != _spans.end()) {
    *known = merged(*known, span);
    return;
  }
  _spans.insert(_spans.begin(), span);
  if (_spans.size() > kMostSpans) mergeClosest();
}

void ServiceTime::widen(Seconds by) {
  _spans.back().first -= by;
  _spans.back().last += by;
}

/// One span in the place of two says of no date an earlier moment than they did.
ServiceTime::Span ServiceTime::merged(const Span& one, const Span& other) {
  return {std::min(one.first, other.first), std::max(one.last, other.last), std::max(one.lead, other.lead),
          std::max(one.atLast, other.atLast)};
}

void ServiceTime::mergeClosest() {
  const auto gapAfter = [this](std::size_t i) {
    return std::chrono::abs(_spans[i + 1].lead - _spans[i].lead);
  };
  std::size_t closest = 0;
  for (std::size_t i = 1; i + 1 < _spans.size(); ++i) {
    if (gapAfter(i) < gapAfter(closest)) closest = i;
  }
  _spans[closest] = merged(_spans[closest], _spans[closest + 1]);
  _spans.erase(_spans.begin() + static_cast<std::ptrdiff_t>(closest) + 1);
}

/// A span whose clock has not come to `date` speaks of it, too: a phone with that date which renewed it then
/// kept it, as dates do not go back.
ServiceTime::Seconds ServiceTime::since(Time date) const {
  const Seconds dated = std::clamp(date.time_since_epoch(), Seconds(-kMost), Seconds(kMost));
  Seconds latest = _allRenewedAt;
  for (const Span& span : _spans) {
    if (span.first > date) continue;
    latest = std::max(latest, std::min(span.atLast, span.lead + dated));
  }
  return _total - latest;
}

std::string ServiceTime::encode() const {
  std::string out;
  putInteger(out, kVersion);
  putNumber(out, _total.count());
  putNumber(out, _allRenewedAt.count());
  for (const Span& span : _spans) {
    putNumber(out, span.first.time_since_epoch().count());
    putNumber(out, span.last.time_since_epoch().count());
    putNumber(out, span.lead.count());
    putNumber(out, span.atLast.count());
  }
  return out;
}

ServiceTime ServiceTime::decode(std::string_view bytes) {
  ByteReader reader(bytes);
  if (reader.integer<std::uint8_t>() != kVersion) return {};
  bool sane = true;
  const auto seconds = [&] {
    const auto number = static_cast<std::int64_t>(reader.integer<std::uint64_t>().value_or(kMissing));
    sane = sane && number >= -kMost && number <= kMost;
    return sane ? Seconds(number) : Seconds();
  };
  ServiceTime time;
  time._total = seconds();
  time._allRenewedAt = seconds();
  while (sane && !reader.atEnd() && time._spans.size() <= kMostSpans) {
    const Time first{seconds()};
    const Time last{seconds()};
    const Seconds lead = seconds();
    time._spans.push_back({first, last, lead, seconds()});
    sane = sane && first <= last && time._spans.back().atLast <= time._total;
  }
  sane = sane && time._spans.size() <= kMostSpans && time._allRenewedAt <= time._total;
  return sane ? time : ServiceTime();
}

}  // namespace p2::store
