#pragma once

#include "daemon/Runtime.h"
#include "p2/core/Guarded.h"
#include "p2/logging/RecentFaults.h"
#include "p2/process/ServiceManager.h"
#include "p2/settings/Settings.h"

#include <Poco/Util/Subsystem.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

namespace p2::app {

/// The component and all behind it, as a part of the Poco application. Used by the main thread only.
class XmppSubsystem final : public Poco::Util::Subsystem {
 public:
  /// Both must outlive the subsystem.
  XmppSubsystem(const settings::Settings& settings, const process::ServiceManager& serviceManager)
      : _settings(settings), _serviceManager(serviceManager) {}

  const char* name() const override { return "XMPP component"; }

  /// 0, or why the subsystem did not start, as an exit code of sysexits.h. The fault has been logged.
  int exitCode() const noexcept { return _exitCode; }

  /// Whether it counts as started: the XMPP server has accepted it, or had it stand by.
  bool wasReady() const noexcept { return _wasReady; }

  /// Takes over new settings, or logs why it keeps the old ones.
  void reload(const settings::Settings& settings);

  /// Returns if no thread is stuck in what the threads share.
  void touch() const;

 protected:
  void initialize(Poco::Util::Application& application) override;
  void uninitialize() override;

 private:
  /// What the service manager shows.
  struct Told {
    component::Component::State state = component::Component::State::connecting;
    std::string clockFault;
  };

  void notify(component::Component::State state);
  void notifyOfClock(const std::string& fault);
  void tell();

  const settings::Settings& _settings;
  const process::ServiceManager& _serviceManager;
  Poco::AutoPtr<logging::RecentFaults> _recentFaults;
  std::unique_ptr<Runtime> _runtime;
  core::Guarded<Told> _told;
  std::atomic<bool> _wasReady{false};
  int _exitCode = 0;
};

}  // namespace p2::app
