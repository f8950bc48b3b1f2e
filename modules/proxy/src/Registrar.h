#pragma once

#include "CommandSession.h"
#include "RequestLimits.h"
#include "StoreFaults.h"
#include "StoreTimes.h"
#include "ThrottledLog.h"
#include "p2/core/Clock.h"
#include "p2/core/Metrics.h"
#include "p2/proxy/Requests.h"
#include "p2/store/Registrations.h"
#include "p2/xmpp/Responder.h"

#include <optional>
#include <string>

namespace p2::proxy {

/// Serves the commands with which phones register and withdraw, and people who do so by hand. Thread-safe.
class Registrar {
 public:
  /// All of it must outlive the registrar, and the callbacks given to the store must have come before it is
  /// destroyed. `jid`: the component's name.
  struct Parts {
    const std::string& jid;
    const core::Clock& clock;
    store::Registrations& store;
    RequestLimits& limits;
    StoreFaults& faults;
    StoreTimes& times;
    core::Counter& denied;  ///< Requests of domains that are not served.
  };

  Registrar(const Parts& parts, core::Metrics& metrics);

  /// Each answers at once, or later from a thread of the store.
  void serve(Register&& request, const std::string& from, xmpp::Responder responder);
  void serve(Unregister&& request, const std::string& from, xmpp::Responder responder);
  void serve(CommandForm&& request, const std::string& from, xmpp::Responder responder);
  void serve(CommandCancel&& request, const std::string& from, xmpp::Responder responder);

 private:
  enum class Change { none, renews, creates };

  static Change changeBy(const Register& request, const core::Result<store::Registrations::Found>& found);
  bool comesNext(const core::Result<store::Registrations::Found>& found, xmpp::Responder& responder);
  void enrol(Register request, Change change, std::string session, xmpp::Responder responder);
  void withdraw(Unregister request, std::string session, xmpp::Responder responder);
  void deny(const std::string& domain, xmpp::Responder& responder);
  bool admit(const std::string& domain, const std::string& account, bool creates, xmpp::Responder& responder);
  core::Counter& counterOf(RequestLimits::Verdict verdict) const;
  std::optional<std::string> sessionFor(const std::string& sessionId, const std::string& node,
                                        const std::string& from, xmpp::Responder& responder);

  const Parts _parts;
  core::Counter& _created;
  core::Counter& _limitedAccount;
  core::Counter& _limitedDomain;
  core::Counter& _limitedAll;
  ThrottledLog _lines;
};

}  // namespace p2::proxy
