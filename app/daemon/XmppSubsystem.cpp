#include "daemon/XmppSubsystem.h"

#include "daemon/Logger.h"
#include "p2/logging/LenientChannel.h"

#include <Poco/Exception.h>

#include <exception>
#include <string>
#include <sysexits.h>
#include <utility>
#include <variant>

namespace p2::app {

namespace {

using State = component::Component::State;

// The pushes in hand get so long when the daemon stops: systemd kills after 90 s.
constexpr std::chrono::seconds kDrainBound{10};

/// The system refused something, such as a thread: that may pass, unlike wrong settings.
StartFault refused(const std::string& what) {
  return {EX_OSERR, "p2 cannot start: the system refused what it needs (" + what +
                        "). Is there room for more threads (ulimit -u, TasksMax=) and memory?"};
}

const char* describe(State state) {
  switch (state) {
    case State::standby:
      return "standing by: another p2 is connected to the XMPP server";
    case State::connected:
      return "connected to the XMPP server";
    case State::connecting:
    case State::stopped:
      break;
  }
  return "not connected to the XMPP server, see the log; trying again";
}

std::variant<std::unique_ptr<Runtime>, StartFault> start(const settings::Settings& settings,
                                                         Poco::AutoPtr<logging::RecentFaults> faults,
                                                         component::Component::OnState onState,
                                                         ClockWatch::OnChange onClock) {
  try {
    return Runtime::start(settings, std::move(faults), std::move(onState), std::move(onClock));
  } catch (const Poco::Exception& exception) {
    return refused(exception.displayText());
  } catch (const std::exception& exception) {
    return refused(exception.what());
  }
}

}  // namespace

/// Called in the threads that read the streams.
void XmppSubsystem::notify(State state) {
  if (state == State::stopped) return;
  _told.with([state](Told& told) { told.state = state; });
  if (state != State::connecting) {
    // Standing by as well: whoever waits for its start must not wait until the other p2 is gone.
    _wasReady = true;
    _serviceManager.ready();
  }
  tell();
}

/// Called in the thread that watches the clock.
void XmppSubsystem::notifyOfClock(const std::string& fault) {
  _told.with([&](Told& told) { told.clockFault = fault; });
  tell();
}

/// What is told last is what is so, whichever thread comes second.
void XmppSubsystem::tell() {
  _told.with([this](const Told& told) {
    _serviceManager.status(told.clockFault.empty()
                               ? describe(told.state)
                               : std::string(describe(told.state)) + "; " + told.clockFault);
  });
}

void XmppSubsystem::initialize(Poco::Util::Application& /*application*/) {
  // First: the loggers change before there are threads that log, and a log that cannot be written hides no
  // fault of the start.
  _recentFaults = logging::RecentFaults::attach(logging::LenientChannel::filesOf(_settings.logging.poco));
  _serviceManager.status("connecting to the XMPP server; if that lasts, p2 check says why");
  auto started = start(
      _settings, _recentFaults, [this](State state) { notify(state); },
      [this](const std::string& fault) { notifyOfClock(fault); });
  if (auto* fault = std::get_if<StartFault>(&started)) {
    logger().fatal(fault->text);
    // While systemd waits for the next try, it shows this and no line of the log of before.
    _serviceManager.status(fault->text);
    _exitCode = fault->exitCode;
    return;
  }
  _runtime = std::move(std::get<std::unique_ptr<Runtime>>(started));
}

void XmppSubsystem::uninitialize() {
  if (!_runtime) return;
  _serviceManager.stopping();
  logger().information("stopping: no more requests are taken, the pushes in hand are finished");
  _runtime->stop(kDrainBound);
  _runtime.reset();
  logger().information("stopped");
}

void XmppSubsystem::touch() const {
  if (_runtime) _runtime->touch();
}

void XmppSubsystem::reload(const settings::Settings& settings) {
  const auto reloaded = _runtime->reload(settings);
  if (reloaded) {
    logger().information("the settings were read again");
  } else {
    logger().error(reloaded.error() + "; the settings of before stay in effect");
  }
}

}  // namespace p2::app
