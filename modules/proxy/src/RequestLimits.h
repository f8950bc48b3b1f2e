#pragma once

#include "Bucket.h"
#include "KeyedHash.h"
#include "Recent.h"
#include "p2/core/Clock.h"
#include "p2/core/Grace.h"
#include "p2/core/Metrics.h"
#include "p2/proxy/PushProxy.h"
#include "p2/proxy/Requests.h"

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
  /// Whether a server is told that what it asks for is not there.
  enum class UnknownVerdict {
    told,
    begins,  ///< Not yet: it is the first time.
    waits,   ///< Not yet: it has not been so for long enough.
    limited  ///< Not now: its domain has been told of many.
  };

  struct Capacity {
    std::size_t domains = 20000;
    std::size_t accounts = 50000;
    std::size_t nodes = 50000;
    /// Nodes that are not there, as core::Grace keeps them: 15 MB, and some 200 bytes and its name for each
    /// domain. Made-up ones fill it.
    std::size_t unknown = 100000;
  };

  RequestLimits(PushProxy::Limits limits, const core::Clock& clock, Capacity capacity);
  RequestLimits(PushProxy::Limits limits, const core::Clock& clock)
      : RequestLimits(std::move(limits), clock, Capacity()) {}

  /// Whether the domain is served at all. Here it counts alone.
  bool serves(std::string_view domain) const;
  /// The same for a push whose registration has been found: should it be missed again, that is the first
  /// time.
  bool servesFound(const Publish& asked);
  /// A registration or a withdrawal of `account` (its bare JID); `creates`: it adds a registration to the
  /// store. Counts it if it is admitted.
  Verdict admitChange(const std::string& domain, const std::string& account, bool creates);
  /// A push for a registration of the domain. Counts it if it is admitted. What one node gets beyond some a
  /// second becomes one message anyway, and takes nothing from the others of its domain.
  PushVerdict admitPush(const std::string& domain, const std::string& node);
  /// What to do about a push for what is not there. Counts for the domain if its server is told; each push of
  /// the domain for one that is there makes up for one. What is not there is the node with this secret for
  /// this domain: so nobody learns by what others ask whether another secret is wrong or the node unknown.
  UnknownVerdict admitUnknown(const Publish& asked);

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
  bool isServed(std::string_view domain) const;
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
  core::Grace _unknown;
  Bucket _created;
};

/// Counts what one limit has held back.
core::Counter& limitedCounter(core::Metrics& metrics, const std::string& limit);

}  // namespace p2::proxy
