#pragma once

#include "daemon/CommandLine.h"
#include "p2/process/ServiceManager.h"
#include "p2/settings/Settings.h"

#include <Poco/Util/ServerApplication.h>

#include <string>
#include <vector>

namespace p2::app {

class XmppSubsystem;

/// The daemon: sets up logging, runs the component as a subsystem, and waits for signals. Used by the main
/// thread only.
class P2Application final : public Poco::Util::ServerApplication {
 public:
  /// `settings` have been read before the process forks for --daemon, so that faults in them reach the
  /// terminal.
  P2Application(CommandLine commandLine, settings::Settings settings, bool daemon);
  ~P2Application() override;

 protected:
  void defineOptions(Poco::Util::OptionSet& options) override;
  void initialize(Poco::Util::Application& self) override;
  int main(const std::vector<std::string>& arguments) override;

 private:
  void configureLogging();
  void handleHangUp();
  void reload();

  const CommandLine _commandLine;
  const settings::Settings _settings;
  const bool _daemon;
  const process::ServiceManager _serviceManager;
  XmppSubsystem* _xmpp;  // owned by Poco::Util::Application
};

}  // namespace p2::app
