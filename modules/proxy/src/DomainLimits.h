#pragma once

#include "p2/core/Clock.h"
#include "p2/proxy/PushProxy.h"

#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace p2::proxy {

/// What one domain may do, so that none takes what the others need: token buckets for registrations and for
/// pushes, and lists of the domains that are served. Memory is bounded: a domain that was quiet for long
/// enough is forgotten, and its buckets are full again. Thread-safe.
class DomainLimits {
 public:
  /// `capacity`: domains remembered; beyond it, the one unseen for longest is forgotten.
  DomainLimits(PushProxy::Limits limits, const core::Clock& clock, std::size_t capacity = 20000);

  /// Whether the domain is served at all.
  bool serves(std::string_view domain) const;
  /// Takes one from the domain's bucket; false if it is empty.
  bool admitRegistration(std::string_view domain);
  bool admitPush(std::string_view domain);

  /// Takes over new limits; the buckets stay as full as they are.
  void reconfigure(PushProxy::Limits limits);

 private:
  struct Bucket {
    double tokens = 0;
    core::Clock::TimePoint refilled{};
  };
  struct Domain {
    std::string name;
    Bucket registrations;
    Bucket pushes;
  };
  using Domains = std::list<Domain>;  // the one seen last in front

  Domain& touch(std::string_view name);
  bool take(Bucket& bucket, double perSecond, double burst) const;

  const core::Clock& _clock;
  const std::size_t _capacity;
  mutable std::mutex _mutex;
  PushProxy::Limits _limits;
  Domains _domains;
  std::unordered_map<std::string_view, Domains::iterator> _index;  // keys live in _domains
};

}  // namespace p2::proxy
