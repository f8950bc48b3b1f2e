#pragma once

#include "ControlSocket.h"
#include "DaemonStatus.h"
#include "RecentFaults.h"
#include "Settings.h"
#include "StateMetrics.h"
#include "p2/component/Component.h"
#include "p2/core/Guarded.h"
#include "p2/core/Metrics.h"
#include "p2/core/Result.h"
#include "p2/fcm/AccessTokenSource.h"
#include "p2/push/Dispatcher.h"
#include "p2/store/Store.h"

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace p2::app {

/// How the daemon is, for the metrics, the status page and, over its control socket, for the commands that
/// ask. Made, told of a reload and destroyed by the main thread.
class Control {
 public:
  /// What there is to look at; all of it outlives this object.
  struct Parts {
    const Settings::Xmpp& xmpp;       ///< Used by the constructor only.
    std::filesystem::path directory;  ///< The store's.
    store::Store& store;
    std::vector<const component::Component*> components;  ///< One for each stream.
    const push::Dispatcher& dispatcher;
    core::Metrics& metrics;  ///< Not to be rendered once this object is gone.
    const RecentFaults& faults;
  };
  using Tokens = std::shared_ptr<fcm::AccessTokenSource>;  // as in FcmLink: may outlive a reload

  Control(Parts parts, Tokens tokens);
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  /// Opens the socket, through which the commands ask from now on. Error: names it.
  core::Result<void> listen();

  /// The settings were read again. `wholly`: nothing of them needs a restart.
  void reloaded(Tokens tokens, bool wholly);

  /// How the daemon is. Thread-safe.
  DaemonStatus look() const;

 private:
  DaemonStatus state() const;

  const Parts _parts;
  const std::string _server;  ///< `host:port`
  const std::string _jid;
  const DaemonStatus::Time _started;
  std::atomic<DaemonStatus::Time> _settingsRead;
  core::Guarded<Tokens> _tokens;
  const StateMetrics _stateMetrics;
  std::unique_ptr<ControlSocket> _socket;  // null without; last: its thread uses all of the above
};

}  // namespace p2::app
