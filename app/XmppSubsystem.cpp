#include "XmppSubsystem.h"

#include <Poco/Logger.h>

#include <variant>

namespace p2::app {

namespace {

using State = component::Component::State;

// The pushes in hand get so long when the daemon stops: systemd kills after 90 s.
constexpr std::chrono::seconds kDrainBound{10};

Poco::Logger& logger() {
  return Poco::Logger::get("p2");
}

void notify(const ServiceManager& serviceManager, State state) {
  switch (state) {
    case State::connected:
      serviceManager.ready();
      serviceManager.status("connected to the XMPP server");
      return;
    case State::connecting:
      serviceManager.status("not connected to the XMPP server, see the log; trying again");
      return;
    case State::stopped:
      return;
  }
}

}  // namespace

void XmppSubsystem::initialize(Poco::Util::Application& /*application*/) {
  _serviceManager.status("connecting to the XMPP server; if that lasts, p2 check says why");
  auto started = Runtime::start(_settings, [this](State state) { notify(_serviceManager, state); });
  if (auto* fault = std::get_if<StartFault>(&started)) {
    logger().fatal(fault->text);
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

void XmppSubsystem::reload(const Settings& settings) {
  const auto reloaded = _runtime->reload(settings);
  if (reloaded) {
    logger().information("the settings were read again");
  } else {
    logger().error(reloaded.error() + "; the settings of before stay in effect");
  }
}

}  // namespace p2::app
