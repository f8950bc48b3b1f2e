#pragma once

#include "daemon/StateMetrics.h"
#include "p2/component/Component.h"
#include "p2/control/DaemonStatus.h"
#include "p2/core/Clock.h"
#include "p2/core/Guarded.h"
#include "p2/core/Metrics.h"
#include "p2/core/Result.h"
#include "p2/fcm/AccessTokenSource.h"
#include "p2/logging/RecentFaults.h"
#include "p2/push/Dispatcher.h"
#include "p2/settings/Settings.h"
#include "p2/store/RegistrationStore.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace p2::app {

/// Gathers how the daemon is, for the metrics, the status page and the commands that ask. Made, told of a
/// reload and destroyed by the main thread.
class StatusSource {
 public:
  /// What there is to look at; all of it outlives this object.
  struct Parts {
    const settings::Settings::Xmpp& xmpp;  ///< Used by the constructor only.
    const store::RegistrationStore& store;
    std::vector<const component::Component*> components;  ///< One for each stream.
    std::vector<const push::Dispatcher*> dispatchers;     ///< One for each push service.
    core::Metrics& metrics;                               ///< Not to be rendered once this object is gone.
    const logging::RecentFaults& faults;
    /// Nothing while it works.
    std::function<std::optional<std::chrono::system_clock::time_point>()> storeFailsSince = [] {
      return std::optional<std::chrono::system_clock::time_point>();
    };
    /// Why it does not answer in time, of which it does not know itself; empty if it does.
    std::function<std::string()> storeStandstill = [] { return std::string(); };
    /// That another p2 serves, with another store; empty if none does.
    std::function<std::string()> secondFault = [] { return std::string(); };
  };
  using Tokens = std::shared_ptr<fcm::AccessTokenSource>;  // as in FcmLink: may outlive a reload

  StatusSource(Parts parts, Tokens tokens);
  StatusSource(const StatusSource&) = delete;
  StatusSource& operator=(const StatusSource&) = delete;

  /// The settings were read again. `wholly`: nothing of them needs a restart.
  void reloaded(Tokens tokens, bool wholly);

  /// How the daemon is. Thread-safe.
  control::DaemonStatus look() const;

 private:
  control::DaemonStatus state() const;

  const Parts _parts;
  const std::string _instance;
  const std::string _server;  ///< `host:port`
  const std::string _jid;
  const core::Moment _started;
  core::Guarded<core::Moment> _settingsRead;
  core::Guarded<Tokens> _tokens;
  const StateMetrics _stateMetrics;
};

}  // namespace p2::app
