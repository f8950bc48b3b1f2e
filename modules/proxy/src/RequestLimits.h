#pragma once

#include "Bucket.h"
#include "KeyedHash.h"
#include "Recent.h"
#include "p2/core/Clock.h"
#include "p2/core/Metrics.h"
#include "p2/proxy/PushProxy.h"

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace p2::proxy {

/// What one account, one domain and all together may do, so that none takes what the others need, and which
/// domains are served. A domain counts together with all that have the same registrable domain. Memory is
/// bounded: who was quiet for longest is forgotten, and begins anew. Of accounts there is a keyed hash for
/// that time, nowhere but in memory. Thread-safe.
class RequestLimits {
 public:
  /// Whether a change of the store may be made, and if not, whose limit is reached.
  enum class Verdict {
    admitted,
    account,
    domain,
    share,  ///< The domain has half of what all may create.
    all     ///< Too little is left of that.
  };
  enum class PushVerdict { admitted, node, domain };

  struct Capacity {
    std::size_t domains = 20000;
    std::size_t accounts = 50000;
    std::size_t nodes = 50000;
  };

  RequestLimits(PushProxy::Limits limits, const core::Clock& clock, Capacity capacity);
  RequestLimits(PushProxy::Limits limits, const core::Clock& clock)
      : RequestLimits(std::move(limits), clock, Capacity()) {}

  /// Whether the domain is served at all. Here it counts alone.
  bool serves(std::string_view domain) const;
  /// A registration or a withdrawal of `account` (its bare JID); `creates`: it adds a registration to the
  /// store. Counts it if it is admitted.
  Verdict admitChange(const std::string& domain, const std::string& account, bool creates);
  /// A push for a registration of the domain. Counts it if it is admitted. What one node gets beyond some a
  /// second becomes one message anyway, and takes nothing from the others of its domain.
  PushVerdict admitPush(const std::string& domain, const std::string& node);
  /// Whether the domain's server may be told again that a node is not there. Counts it if so; each push of
  /// the domain for one that is there makes up for one.
  bool admitUnknown(const std::string& domain);

  /// Takes over new limits; what was counted stays.
  void reconfigure(PushProxy::Limits limits);
  /// As PushProxy has it.
  void setSharers(std::size_t count);

 private:
  struct Rates {
    Rate changesOfAccount;
    Rate changesOfDomain;
    Rate created;
    Rate pushes;
    Rate unknown;
  };
  struct Domain {
    Bucket changes;
    Bucket created;
    Bucket pushes;
    Bucket unknown;
  };

  static Rates ratesOf(const PushProxy::Limits& limits, std::size_t sharers);
  Verdict mayCreate(Domain& domain, core::Clock::TimePoint now);

  const core::Clock& _clock;
  const KeyedHash _hash;
  mutable std::mutex _mutex;
  PushProxy::Limits _limits;
  std::size_t _sharers = 1;
  Rates _rates;
  Recent<Domain> _domains;
  Recent<Bucket> _accounts;
  Recent<Bucket> _nodes;
  Bucket _created;
};

/// Counts what one limit has held back.
core::Counter& limitedCounter(core::Metrics& metrics, const std::string& limit);

}  // namespace p2::proxy
