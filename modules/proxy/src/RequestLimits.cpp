#include "RequestLimits.h"

#include "p2/store/RegistrableDomain.h"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

namespace p2::proxy {

namespace {

constexpr double kSecondsPerMinute = 60;
constexpr double kSecondsPerHour = 3600;

// A second, and at once. More than any server has for one phone, whose messages are a second apart.
constexpr Rate kPushesOfNode{5, 60};

bool contains(const std::vector<std::string>& sorted, std::string_view domain) {
  return std::binary_search(sorted.begin(), sorted.end(), domain);
}

/// The hash of what is asked for, which is the node and the right to push to it.
std::size_t hashOfAsked(const Publish& asked) {
  const std::hash<std::string_view> hash;
  return (hash(asked.node) * 31 + hash(asked.secret.reveal())) * 31 + hash(asked.domain);
}

Rate rate(std::size_t count, double seconds, std::size_t burst) {
  return {static_cast<double>(count) / seconds, static_cast<double>(burst)};
}

/// The part of one of so many; it can do one thing at least.
Rate partOf(const Rate& whole, std::size_t sharers) {
  const auto parts = static_cast<double>(sharers);
  return {whole.perSecond / parts, std::max(1.0, whole.burst / parts)};
}

}  // namespace

RequestLimits::RequestLimits(PushProxy::Limits limits, const core::Clock& clock, Capacity capacity)
    : _clock(clock),
      _limits(std::move(limits)),
      _rates(ratesOf(_limits, _sharers)),
      _domains(capacity.domains),
      _accounts(capacity.accounts),
      _nodes(capacity.nodes),
      _unknown(capacity.unknown, core::Grace::Then::keep) {}

bool RequestLimits::serves(std::string_view domain) const {
  const std::scoped_lock lock(_mutex);
  return isServed(domain);
}

bool RequestLimits::servesFound(const Publish& asked) {
  const std::scoped_lock lock(_mutex);
  if (_unknown.size() > 0) _unknown.forget(hashOfAsked(asked));
  return isServed(asked.domain);
}

bool RequestLimits::isServed(std::string_view domain) const {
  if (contains(_limits.deny, domain)) return false;
  return _limits.allow.empty() || contains(_limits.allow, domain);
}

RequestLimits::Verdict RequestLimits::admitChange(const std::string& domain, const std::string& account,
                                                  bool creates) {
  const std::string hash = _hash.of({account});
  const std::scoped_lock lock(_mutex);
  const auto now = _clock.now();
  // The domain is looked at first, so that one which makes up accounts cannot have the others' forgotten
  // faster than it may change the store. It is charged last, so that an account that is over its own limit
  // takes nothing from its domain.
  Domain& ofDomain = _domains.touch(store::registrableDomain(domain));
  if (!ofDomain.changes.hasRoom(_rates.changesOfDomain, now)) return Verdict::domain;
  if (const auto verdict = creates ? mayCreate(ofDomain, now) : Verdict::admitted;
      verdict != Verdict::admitted) {
    return verdict;
  }
  if (_rates.changesOfAccount.limits() && !_accounts.touch(hash).take(_rates.changesOfAccount, now)) {
    return Verdict::account;
  }
  ofDomain.changes.add(_rates.changesOfDomain);
  if (creates) {
    ofDomain.created.add(_rates.created);
    _created.add(_rates.created);
  }
  return Verdict::admitted;
}

/// One domain takes half of what is left at most, so that something is left for the next however many others
/// there are.
RequestLimits::Verdict RequestLimits::mayCreate(Domain& domain, core::Clock::TimePoint now) {
  if (!_rates.created.limits()) return Verdict::admitted;
  const double left = _rates.created.burst - _created.level(_rates.created, now);
  const double taken = domain.created.level(_rates.created, now);
  if (taken + 1 <= left) return Verdict::admitted;
  return taken >= 1 ? Verdict::share : Verdict::all;
}

RequestLimits::PushVerdict RequestLimits::admitPush(const std::string& domain, const std::string& node) {
  const std::scoped_lock lock(_mutex);
  const auto now = _clock.now();
  Domain& ofDomain = _domains.touch(store::registrableDomain(domain));
  ofDomain.unknown.remove();
  if (!_rates.pushes.limits()) return PushVerdict::admitted;
  if (!_nodes.touch(node).take(kPushesOfNode, now)) return PushVerdict::node;
  return ofDomain.pushes.take(_rates.pushes, now) ? PushVerdict::admitted : PushVerdict::domain;
}

RequestLimits::UnknownVerdict RequestLimits::admitUnknown(const Publish& asked) {
  const auto domain = store::registrableDomain(asked.domain);
  const std::scoped_lock lock(_mutex);
  const auto now = _clock.now();
  if (_limits.unknownAfter.count() > 0) {
    switch (_unknown.said(hashOfAsked(asked), domain, 0, now, _limits.unknownAfter)) {
      case core::Grace::Verdict::begins:
        return UnknownVerdict::begins;
      case core::Grace::Verdict::waits:
        return UnknownVerdict::waits;
      case core::Grace::Verdict::believed:
        break;
    }
  }
  const bool isTold = !_rates.unknown.limits() || _domains.touch(domain).unknown.take(_rates.unknown, now);
  return isTold ? UnknownVerdict::told : UnknownVerdict::limited;
}

void RequestLimits::reconfigure(PushProxy::Limits limits) {
  const std::scoped_lock lock(_mutex);
  _limits = std::move(limits);
  _rates = ratesOf(_limits, _sharers);
  if (_limits.unknownAfter.count() == 0) _unknown.clear();
}

void RequestLimits::setSharers(std::size_t count) {
  const std::scoped_lock lock(_mutex);
  _sharers = std::max<std::size_t>(count, 1);
  _rates = ratesOf(_limits, _sharers);
}

RequestLimits::Rates RequestLimits::ratesOf(const PushProxy::Limits& limits, std::size_t sharers) {
  return {
      rate(limits.registrationsPerAccount, kSecondsPerHour, limits.accountBurst),
      rate(limits.registrationsPerMinute, kSecondsPerMinute, limits.registrationsPerMinute),
      partOf(rate(limits.newRegistrationsPerHour, kSecondsPerHour, limits.newRegistrationsPerHour), sharers),
      rate(limits.pushesPerSecond, 1, limits.pushBurst),
      partOf(rate(limits.unknownPerHour, kSecondsPerHour, limits.unknownPerHour), sharers)};
}

core::Counter& limitedCounter(core::Metrics& metrics, const std::string& limit) {
  return metrics.counter("p2_requests_limited_total",
                         "Requests held back, by the limit that they were above.", {{"limit", limit}});
}

}  // namespace p2::proxy
