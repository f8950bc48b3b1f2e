#include "daemon/StatusSource.h"

#include "p2/core/Clock.h"
#include "p2/core/Version.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <climits>
#include <utility>

namespace p2::app {

namespace {

control::DaemonStatus::Time toSeconds(std::chrono::system_clock::time_point time) {
  return std::chrono::floor<std::chrono::seconds>(time);
}

/// Empty if the system does not say.
std::string machineName() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

void addTokenState(const fcm::AccessTokenSource& tokens, control::DaemonStatus& status) {
  const auto state = tokens.state();
  status.tokenValid = state.valid;
  if (state.expires) status.tokenExpires = toSeconds(*state.expires);
  if (state.fault) status.tokenFault = state.fault->text;
}

/// It is connected since the first stream opened, or else not since the last one closed.
void addStream(const component::Component::Status& stream, control::DaemonStatus& status) {
  using State = component::Component::State;
  const bool open = stream.state == State::connected;
  const auto since = toSeconds(stream.since);
  const bool first = status.streams++ == 0;
  if (first || (open && !status.connected) ||
      (open == status.connected && (open == (since < status.since)))) {
    status.since = since;
  }
  if (open) {
    ++status.openStreams;
    status.connected = true;
  } else if (!stream.lastFault.empty()) {
    status.streamFault = stream.lastFault;
  }
  status.standingBy = !status.connected && (status.standingBy || stream.state == State::standby);
  status.unsentAnswers += stream.unsentAnswers;
}

void addService(const push::Dispatcher& dispatcher, control::DaemonStatus& status) {
  const auto& name = dispatcher.service();
  control::DaemonStatus::Service service{name.key, name.title, dispatcher.targetsSeemGone(),
                                         dispatcher.queued(), dispatcher.workers()};
  status.targetsSeemGone = status.targetsSeemGone || service.targetsSeemGone;
  status.queued += service.queued;
  status.workers += service.workers;
  status.services.push_back(std::move(service));
}

void addStore(const store::RegistrationStore& store, control::DaemonStatus& status) {
  auto whereabouts = store.whereabouts();
  status.store = std::move(whereabouts.place);
  for (auto& host : whereabouts.hosts) {
    status.storeHosts.push_back({std::move(host.name), host.used, std::move(host.fault)});
  }
  status.storeFault = store.lastFault();
}

}  // namespace

StatusSource::StatusSource(Parts parts, Tokens tokens)
    : _parts(std::move(parts)),
      _instance(machineName()),
      _server(_parts.xmpp.host + ':' + std::to_string(_parts.xmpp.port)),
      _jid(_parts.xmpp.jid),
      _settingsRead(_started),
      _tokens(std::move(tokens)),
      _stateMetrics(_parts.metrics) {
  _parts.metrics.onCollect([this] { _stateMetrics.set(state()); });
}

void StatusSource::reloaded(Tokens tokens, bool wholly) {
  if (wholly) _settingsRead.with([](core::Moment& read) { read = core::Moment(); });
  _tokens.with([&](Tokens& current) { current.swap(tokens); });
}

control::DaemonStatus StatusSource::look() const {
  auto status = state();
  for (auto& fault : _parts.faults.last()) status.faults.push_back({fault.time, std::move(fault.text)});
  status.metrics = _parts.metrics.render();
  return status;
}

control::DaemonStatus StatusSource::state() const {
  control::DaemonStatus status;
  status.version = core::kVersion;
  status.instance = _instance;
  status.pid = ::getpid();
  status.started = toSeconds(_started.civil());
  status.settingsRead = toSeconds(_settingsRead.with([](const core::Moment& read) { return read.civil(); }));
  status.clockFault = core::faultOf(core::systemClock());
  status.server = _server;
  status.jid = _jid;
  for (const auto* component : _parts.components) addStream(component->status(), status);
  status.secondFault = _parts.secondFault();
  const auto tokens = _tokens.with([](const Tokens& current) { return current; });
  status.legacy = tokens == nullptr;
  if (tokens) addTokenState(*tokens, status);
  for (const auto* dispatcher : _parts.dispatchers) addService(*dispatcher, status);
  const auto size = _parts.store.statistics();
  status.registrations = size.registrations;
  status.storeBytes = size.usedBytes;
  status.storeMapBytes = size.mapBytes;
  status.pendingChanges = size.pendingChanges;
  addStore(_parts.store, status);
  if (status.storeFault.empty()) status.storeFault = _parts.storeStandstill();
  if (const auto since = _parts.storeFailsSince()) status.storeFailsSince = toSeconds(*since);
  return status;
}

}  // namespace p2::app
