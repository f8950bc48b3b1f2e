#include "daemon/P2Application.h"

#include "daemon/Logger.h"
#include "daemon/XmppSubsystem.h"
#include "p2/core/Version.h"
#include "p2/logging/Check.h"
#include "p2/logging/JournalChannel.h"
#include "p2/process/RunningBinary.h"
#include "p2/process/Signals.h"
#include "p2/settings/Instance.h"
#include "p2/settings/Loader.h"

#include <Poco/Instantiator.h>
#include <Poco/LoggingFactory.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <utility>

namespace p2::app {

namespace {

/// Whether what is written to stderr goes to the journal.
bool logsToJournal() {
  return logging::isJournal(STDERR_FILENO, std::getenv("JOURNAL_STREAM"));
}

/// Makes channels to the journal in this p2's name.
class JournalChannels final : public Poco::AbstractInstantiator<Poco::Channel> {
 public:
  explicit JournalChannels(std::string program) : _program(std::move(program)) {}

  Poco::Channel* createInstance() const override {
    return new logging::JournalChannel(logging::JournalChannel::kSocket, _program);
  }

 private:
  const std::string _program;
};

/// What the logs call this p2.
std::string nameOf(const CommandLine& commandLine) {
  return (commandLine.config ? settings::Instance::ofFile(*commandLine.config) : settings::Instance()).unit();
}

}  // namespace

P2Application::P2Application(CommandLine commandLine, settings::Settings settings, bool daemon)
    : _commandLine(std::move(commandLine)),
      _settings(std::move(settings)),
      _daemon(daemon),
      _xmpp(new XmppSubsystem(_settings, _serviceManager)) {
  setUnixOptions(true);
  addSubsystem(_xmpp);
  Poco::LoggingFactory::defaultFactory().registerChannelClass(logging::kJournalChannel,
                                                              new JournalChannels(nameOf(_commandLine)));
}

P2Application::~P2Application() = default;

void P2Application::defineOptions(Poco::Util::OptionSet& options) {
  // Poco's own --daemon, --pidfile and --umask come from the base class and have effect there.
  ServerApplication::defineOptions(options);
  for (const auto& option : optionSet(CommandLine::options())) {
    if (!options.hasOption(option.fullName())) options.addOption(option);
  }
}

void P2Application::initialize(Poco::Util::Application& self) {
  configureLogging();
  ServerApplication::initialize(self);
}

/// Tells Poco's LoggingSubsystem what the settings say: to the journal or else stderr, or to syslog for a
/// daemon that has none.
void P2Application::configureLogging() {
  auto& target = config();
  target.setString("logging.loggers.root.level", std::to_string(static_cast<int>(_settings.logging.level)));
  target.setString("logging.loggers.root.channel", "standard");
  if (!_daemon && logsToJournal()) {
    target.setString("logging.channels.standard.class", logging::kJournalChannel);
    for (const auto& [key, value] : _settings.logging.poco) target.setString(key, value);
    return;
  }
  target.setString("logging.channels.standard.class", _daemon ? "SyslogChannel" : "ConsoleChannel");
  if (_daemon) {
    target.setString("logging.channels.standard.name", nameOf(_commandLine));
    target.setString("logging.channels.standard.facility", "LOG_DAEMON");
    target.setString("logging.channels.standard.formatter.pattern", "%s: %t");
  } else {
    target.setString("logging.channels.standard.formatter.pattern", "%Y-%m-%d %H:%M:%S.%i %p %s: %t");
    target.setString("logging.channels.standard.formatter.times", "local");
  }
  target.setString("logging.channels.standard.formatter.class", "PatternFormatter");
  for (const auto& [key, value] : _settings.logging.poco) target.setString(key, value);
}

int P2Application::main(const std::vector<std::string>& /*arguments*/) {
  if (_xmpp->exitCode() != 0) return _xmpp->exitCode();
  app::logger().information("p2 " + std::string(core::kVersion) + " has started");
  auto reportEvery = _serviceManager.watchdogInterval();
  if (reportEvery) *reportEvery /= 2;
  for (;;) {
    const auto signal = process::waitForSignal(reportEvery);
    if (signal && *signal != SIGHUP) return EXIT_OK;
    // In every round: signals may come more often than the reports are due.
    _xmpp->touch();
    _serviceManager.alive();
    if (signal) handleHangUp();
  }
}

/// Before the XMPP server has accepted it or has it stand by, p2 does not count as started, and no reload may
/// end that.
void P2Application::handleHangUp() {
  const bool counts = _xmpp->wasReady();
  if (counts) _serviceManager.reloading();
  reload();
  if (counts) _serviceManager.ready();
}

void P2Application::reload() {
  auto& log = app::logger();
  const auto loaded =
      settings::load(_commandLine.config, settings::settingsLocations(process::runningBinary()),
                     settings::processEnvironment());
  for (const auto& warning : loaded.warnings) log.warning(warning);
  for (const auto& fault : loaded.faults) log.error(fault);
  if (!loaded.settings) {
    log.error("the settings of before stay in effect");
    return;
  }
  _xmpp->reload(*loaded.settings);
}

}  // namespace p2::app
