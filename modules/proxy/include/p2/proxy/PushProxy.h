#pragma once

#include "p2/core/Clock.h"
#include "p2/core/Metrics.h"
#include "p2/core/Secret.h"
#include "p2/proxy/Requests.h"
#include "p2/push/Dispatcher.h"
#include "p2/store/Registration.h"
#include "p2/store/Registrations.h"
#include "p2/xmpp/Element.h"
#include "p2/xmpp/Iq.h"
#include "p2/xmpp/Responder.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace p2::proxy {

/// What p2 exists for: phones register, servers publish, a message goes to the push service, and every
/// request gets the answer on which no server drops a user without need. Thread-safe.
class PushProxy {
 public:
  /// What one account, one domain (with all that share its registrable domain) and all together may do.
  /// Changes live. A registration that changes nothing in the store counts nowhere.
  struct Limits {
    /// `limits.registrationsPerAccount`: registrations and withdrawals in an hour; 0: no limit.
    std::size_t registrationsPerAccount = 30;
    std::size_t accountBurst = 90;  ///< At once of an account that was quiet.
    /// `limits.registrationsPerMinute`: the same of a domain; 0: no limit. Also the burst.
    std::size_t registrationsPerMinute = 6000;
    /// `limits.newRegistrationsPerHour`: that add to the store, of all domains; 0: no limit. Also the burst.
    std::size_t newRegistrationsPerHour = 100000;
    std::size_t pushesPerSecond = 2000;  ///< `limits.pushesPerSecond`: of a domain; 0: no limit.
    std::size_t pushBurst = 20000;       ///< Pushes at once of a domain that was quiet.
    /// `limits.unknownPerHour`: how often a domain is told in an hour that a node is not there, on which its
    /// server may drop a user, beyond once for each push of its for one that is there; 0: no limit. Also the
    /// burst. Above that it is asked to wait.
    std::size_t unknownPerHour = 10;
    /// `limits.unknownAfter`: how long a node must have been asked for that is not there until its server is
    /// told so; 0: at once.
    std::chrono::milliseconds unknownAfter = std::chrono::hours(1);
    std::vector<std::string> allow;  ///< `limits.allowDomains`: sorted, comparable; empty: all.
    std::vector<std::string> deny;   ///< `limits.denyDomains`: sorted, comparable; wins.
  };

  struct Options {
    std::string jid;  ///< `xmpp.jid`
    Limits limits;
    const core::Clock* clock = &core::systemClock();  ///< Must outlive the proxy.
    /// Whether another store serves phones under the same name, too: what this one has not, or has as it was,
    /// may be in the other, and no server is told that a phone is unknown or gone. Must not block nor throw.
    std::function<bool()> otherStoreServes = [] { return false; };
  };

  /// The way to each push service that there is one to. A push for a device of another one waits: that there
  /// is no way to it is no reason to lose it.
  using Dispatchers = std::map<store::Service, std::reference_wrapper<push::Dispatcher>>;

  /// `registrations`, the dispatchers and `metrics` must outlive the proxy; the callbacks given to the former
  /// two must have come before it is destroyed.
  PushProxy(Options options, store::Registrations& registrations, const Dispatchers& dispatchers,
            core::Metrics& metrics);
  PushProxy(const PushProxy&) = delete;
  PushProxy& operator=(const PushProxy&) = delete;
  ~PushProxy();

  /// Serves one request. Answers at once, or later from a thread of the store or the dispatcher, or the one
  /// that calls watchClock(). Does not block.
  void handle(const xmpp::Iq& iq, xmpp::Responder responder);

  /// Tells the operator of a server that publishes with messages, as push 2 does: it gets no answer, and
  /// nobody else would learn why its phones stay silent. Does not block.
  void handle(const xmpp::Element& message);

  /// Takes over new limits.
  void setLimits(Limits limits);
  /// How many p2 serve phones from the same store, this one included: of what the limits allow to all
  /// together, and of what makes servers drop users, each allows its part. Until it is told, it takes itself
  /// to be alone.
  void setSharers(std::size_t count);

  /// While the clock is not set, requests that need it are kept for some time, and then asked to wait; when
  /// it is, they are served. To be called several times a second until then, and each second, by one thread.
  void watchClock();
  /// Asks all to wait that are kept. To be called before where the answers go ends.
  void giveUpDeferred();

  /// Asks those to wait whom the store has not answered in time, and has the log say when it fails and when
  /// it works again, though nobody asks it: to be called every second or so. Does not block.
  void watchStore();
  /// Since when the store fails; nothing while it works.
  std::optional<std::chrono::system_clock::time_point> storeFailsSince() const;
  /// Why the store does not answer in time, as a disk that hangs does not say itself; empty if it does.
  std::string storeStandstill() const;

 private:
  class Impl;
  std::unique_ptr<Impl> _impl;
};

}  // namespace p2::proxy
