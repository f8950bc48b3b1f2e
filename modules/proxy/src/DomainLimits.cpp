#include "DomainLimits.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace p2::proxy {

namespace {

constexpr double kSecondsPerMinute = 60;

bool contains(const std::vector<std::string>& sorted, std::string_view domain) {
  return std::binary_search(sorted.begin(), sorted.end(), domain);
}

}  // namespace

DomainLimits::DomainLimits(PushProxy::Limits limits, const core::Clock& clock, std::size_t capacity)
    : _clock(clock), _capacity(capacity), _limits(std::move(limits)) {}

bool DomainLimits::serves(std::string_view domain) const {
  const std::scoped_lock lock(_mutex);
  if (contains(_limits.deny, domain)) return false;
  return _limits.allow.empty() || contains(_limits.allow, domain);
}

bool DomainLimits::admitRegistration(std::string_view domain) {
  const std::scoped_lock lock(_mutex);
  if (_limits.registrationsPerMinute == 0) return true;
  const auto perMinute = static_cast<double>(_limits.registrationsPerMinute);
  return take(touch(domain).registrations, perMinute / kSecondsPerMinute, perMinute);
}

bool DomainLimits::admitPush(std::string_view domain) {
  const std::scoped_lock lock(_mutex);
  if (_limits.pushesPerSecond == 0) return true;
  return take(touch(domain).pushes, static_cast<double>(_limits.pushesPerSecond),
              static_cast<double>(_limits.pushBurst));
}

void DomainLimits::reconfigure(PushProxy::Limits limits) {
  const std::scoped_lock lock(_mutex);
  _limits = std::move(limits);
}

/// The domain's entry, now the first; a new one has full buckets.
DomainLimits::Domain& DomainLimits::touch(std::string_view name) {
  if (const auto found = _index.find(name); found != _index.end()) {
    _domains.splice(_domains.begin(), _domains, found->second);
    return _domains.front();
  }
  if (_domains.size() >= _capacity) {
    _index.erase(_domains.back().name);
    _domains.pop_back();
  }
  const auto now = _clock.now();
  _domains.push_front({std::string(name),
                       {static_cast<double>(_limits.registrationsPerMinute), now},
                       {static_cast<double>(_limits.pushBurst), now}});
  _index.emplace(_domains.front().name, _domains.begin());
  return _domains.front();
}

bool DomainLimits::take(Bucket& bucket, double perSecond, double burst) const {
  const auto now = _clock.now();
  const std::chrono::duration<double> elapsed = now - bucket.refilled;
  bucket.tokens = std::min(burst, bucket.tokens + elapsed.count() * perSecond);
  bucket.refilled = now;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

}  // namespace p2::proxy
