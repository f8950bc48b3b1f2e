#include "daemon/Runtime.h"

#include "daemon/Logger.h"
#include "links/ComponentLink.h"
#include "links/StoreLink.h"
#include "p2/control/Requests.h"
#include "p2/logging/Levels.h"
#include "p2/settings/Overview.h"
#include "p2/store/Forget.h"

#include <span>
#include <sysexits.h>
#include <system_error>
#include <utility>

namespace p2::app {

namespace {

using Milliseconds = std::chrono::milliseconds;

// For the disk when the commands forget nodes: less than they wait for an answer.
constexpr std::chrono::seconds kForgetBound{50};

// What is left of the bound for the last answers, at least.
constexpr Milliseconds kLeastFlush{1000};

/// What holds for every push service.
push::Dispatcher::Options dispatcherOptions(const settings::Settings::Push& settings) {
  push::Dispatcher::Options options;
  options.queueCapacity = settings.queue;
  options.deadline = settings.deadline;
  options.spacing = settings.spacing;
  return options;
}

push::Dispatcher::Options fcmOptions(const settings::Settings& settings) {
  auto options = dispatcherOptions(settings.push);
  options.service = {"fcm", std::string(store::nameOf(store::Service::fcm))};
  options.maxWorkers = settings.fcm.connections;
  options.goneAfter = settings.fcm.goneAfter;
  return options;
}

using Dispatchers = std::map<store::Service, push::Dispatcher>;

Dispatchers makeDispatchers(const settings::Settings& settings, const FcmLink& fcm, core::Metrics& metrics) {
  Dispatchers dispatchers;
  dispatchers.try_emplace(store::Service::fcm, fcmOptions(settings), fcm.makeSender, metrics);
  return dispatchers;
}

proxy::PushProxy::Dispatchers waysOf(Dispatchers& dispatchers) {
  proxy::PushProxy::Dispatchers ways;
  for (auto& [service, dispatcher] : dispatchers) ways.emplace(service, dispatcher);
  return ways;
}

proxy::PushProxy::Limits proxyLimits(const settings::Settings::Limits& settings) {
  proxy::PushProxy::Limits limits;
  limits.registrationsPerAccount = settings.registrationsPerAccount;
  limits.accountBurst = settings.accountBurst();
  limits.registrationsPerMinute = settings.registrationsPerMinute;
  limits.newRegistrationsPerHour = settings.newRegistrationsPerHour;
  limits.pushesPerSecond = settings.pushesPerSecond;
  limits.pushBurst = settings.pushBurst();
  limits.unknownPerHour = settings.unknownPerHour;
  limits.unknownAfter = settings.unknownAfter;
  limits.allow = settings.allowDomains;
  limits.deny = settings.denyDomains;
  return limits;
}

/// Null where a second p2 does no harm, as it has the same store.
std::unique_ptr<SecondWatch> makeSecondWatch(const settings::Settings& settings) {
  if (StoreLink(settings.store).cautionAgainstSecond().empty()) return nullptr;
  return std::make_unique<SecondWatch>(settings.xmpp.jid);
}

proxy::PushProxy::Options proxyOptions(const settings::Settings& settings, const SecondWatch* secondWatch) {
  proxy::PushProxy::Options options;
  options.jid = settings.xmpp.jid;
  options.limits = proxyLimits(settings.limits);
  if (secondWatch != nullptr) options.otherStoreServes = [secondWatch] { return secondWatch->sees(); };
  return options;
}

/// How long it is until then; not below zero.
Milliseconds until(std::chrono::steady_clock::time_point time) {
  return std::max(std::chrono::duration_cast<Milliseconds>(time - std::chrono::steady_clock::now()),
                  Milliseconds::zero());
}

/// As FcmLink::make, but a refused thread is an error, too.
core::Result<FcmLink> makeLink(const settings::Settings::Fcm& settings, core::Metrics& metrics) {
  try {
    return FcmLink::make(settings, metrics);
  } catch (const std::system_error& fault) {
    return core::Error{std::string("the system refuses the thread that fetches access tokens (") +
                       fault.what() + "); raise the limit of processes for p2 (TasksMax, ulimit -u)"};
  }
}

}  // namespace

std::variant<std::unique_ptr<Runtime>, StartFault> Runtime::start(
    const settings::Settings& settings, Poco::AutoPtr<logging::RecentFaults> recentFaults,
    component::Component::OnState onState, ClockWatch::OnChange onClock) {
  auto metrics = std::make_unique<core::Metrics>();
  auto fcm = FcmLink::make(settings.fcm, *metrics);
  if (!fcm) return StartFault{EX_CONFIG, fcm.error()};
  auto component = componentOptions(settings.xmpp);
  if (!component) return StartFault{EX_CONFIG, component.error()};
  const StoreLink link(settings.store);
  auto store = link.start();
  if (!store) return StartFault{link.exitCodeOf(StorePlace::Use::start), store.error()};

  return std::unique_ptr<Runtime>(
      new Runtime(settings, std::move(fcm).value(), std::move(store).value(), std::move(component).value(),
                  std::move(metrics), std::move(recentFaults), std::move(onState), std::move(onClock)));
}

Runtime::Runtime(const settings::Settings& settings, FcmLink fcm,
                 std::unique_ptr<store::RegistrationStore> opened,
                 component::Component::Options componentOptions, std::unique_ptr<core::Metrics> registry,
                 Poco::AutoPtr<logging::RecentFaults> recentFaults, component::Component::OnState onState,
                 ClockWatch::OnChange onClock)
    : _recentFaults(std::move(recentFaults)),
      _settings(settings),
      _metrics(std::move(registry)),
      _store(std::move(opened)),
      _expiry(std::make_unique<Expiry>(*_store, settings.store.expireAfter)),
      _fcm(std::move(fcm)),
      _dispatchers(makeDispatchers(settings, _fcm, *_metrics)),
      _secondWatch(makeSecondWatch(settings)),
      _proxy(proxyOptions(settings, _secondWatch.get()), *_store, waysOf(_dispatchers), *_metrics),
      _watch(std::make_unique<StoreWatch>(*_store, _proxy, *_metrics)),
      _clockWatch(std::make_unique<ClockWatch>(_proxy, std::move(onClock))),
      _onState(std::move(onState)),
      _streams(Streams{0, _store.get()}) {
  _answersCommands = _commandsAnswered.get_future().share();
  try {
    begin(std::move(componentOptions));
  } catch (...) {
    // Streams that are open wait for this, and have asked what must be answered while all is there.
    _commandsAnswered = {};
    stop(Milliseconds::zero());
    throw;
  }
}

void Runtime::begin(component::Component::Options componentOptions) {
  openStreams(std::move(componentOptions));
  for (const auto& warning : _fcm.warnings) logger().warning(warning);
  if (!_settings.store.keepDomain) dropDomains();
  openStatus();
  openControl();
  openHttp();
  _commandsAnswered.set_value();
  // Last, as it may take its time to ask a database.
  warnOfStore();
}

void Runtime::openStreams(component::Component::Options options) {
  options.standbyCaution = StoreLink(_settings.store).cautionAgainstSecond();
  if (_secondWatch) options.onOther = [this] { _secondWatch->note(); };
  options.onMessage = [this](const xmpp::Element& message) { _proxy.handle(message); };
  for (std::size_t i = 0; i < _settings.xmpp.connections; ++i) {
    options.firstAddress = i;
    _components.push_back(std::make_unique<component::Component>(
        options,
        [this](const xmpp::Iq& iq, xmpp::Responder responder) { _proxy.handle(iq, std::move(responder)); },
        [this, before = component::Component::State::connecting](component::Component::State now) mutable {
          noteStream(std::exchange(before, now), now);
        },
        *_metrics));
  }
}

/// While it fails, the watch tells why.
void Runtime::warnOfStore() const {
  if (!_store->lastFault().empty()) return;
  for (const auto& remark : StoreLink(_settings.store).remarks()) {
    if (remark.kind != Remark::Kind::good) logger().warning(remark.text);
  }
}

/// Those that were stored before `store.keepDomain = false`. What fails is tried again at the next start.
void Runtime::dropDomains() {
  _store->dropDomains([](const core::Result<store::RegistrationArchive::Swept>& dropped) {
    if (!dropped) {
      logger().error("the domains of registrations cannot be dropped: " + dropped.error());
      return;
    }
    if (dropped.value().changed > 0) {
      logger().notice("dropped the domain of " + std::to_string(dropped.value().changed) +
                      " registrations (store.keepDomain = false)");
    }
    if (dropped.value().unreadable > 0) {
      logger().warning(
          std::to_string(dropped.value().unreadable) +
          " records cannot be read and may hold a domain still (store.keepDomain = false); p2 list "
          "names them");
    }
  });
}

void Runtime::openStatus() {
  StatusSource::Parts parts{_settings.xmpp,
                            *_store,
                            {},
                            {},
                            *_metrics,
                            *_recentFaults,
                            [this] { return _proxy.storeFailsSince(); },
                            [this] { return _proxy.storeStandstill(); },
                            [this] { return _secondWatch ? _secondWatch->fault() : std::string(); }};
  for (const auto& component : _components) parts.components.push_back(component.get());
  for (const auto& [service, dispatcher] : _dispatchers) parts.dispatchers.push_back(&dispatcher);
  _status = std::make_unique<StatusSource>(std::move(parts), _fcm.tokens);
}

/// Not to be asked is no reason not to serve.
void Runtime::openControl() {
  const auto answer = [this](const std::string& request) {
    return control::answerRequest(request, {[this] { return _status->look(); },
                                            [this](std::span<const std::string> nodes) {
                                              return store::forgetNodes(*_store, nodes, kForgetBound);
                                            }});
  };
  auto socket = control::Socket::open(_settings.store.path, answer);
  if (socket) {
    _control = std::move(socket).value();
  } else {
    logger().warning(socket.error() + " The commands cannot ask this daemon.");
  }
}

/// Not to be looked at is no reason not to serve either.
void Runtime::openHttp() {
  if (!_settings.http.listen) return;
  const auto& address = *_settings.http.listen;
  auto http = web::HttpEndpoint::open(
      address.host, address.port, [this] { return _status->look(); }, *_metrics);
  if (http) {
    _http = std::move(http).value();
  } else {
    logger().warning(http.error());
  }
}

Runtime::~Runtime() {
  stop(Milliseconds::zero());
}

/// A stream that has entered the state `now`, which is another one.
void Runtime::noteStream(component::Component::State before, component::Component::State now) {
  using State = component::Component::State;
  const bool opened = now == State::connected;
  const bool closed = before == State::connected;
  const auto open = _streams.with([opened, closed](Streams& streams) {
    streams.open += opened ? 1 : 0;
    streams.open -= closed ? 1 : 0;
    if (streams.told != nullptr && (opened || closed)) streams.told->setServing(streams.open > 0);
    return streams.open;
  });
  // Whoever waits for p2 to be ready asks it something next.
  _answersCommands.wait();
  if (opened && open == 1) _onState(State::connected);
  if (open > 0) return;
  if (now == State::standby) {
    _onState(State::standby);
  } else if (closed || before == State::standby) {
    _onState(State::connecting);
  }
}

core::Result<void> Runtime::reload(const settings::Settings& settings) {
  auto fcm = makeLink(settings.fcm, *_metrics);
  if (!fcm) return core::Error{fcm.error()};

  const auto late = settings::changesNeedingRestart(_settings, settings);
  for (const auto& key : late) {
    logger().warning(key + " was changed: that needs a restart");
  }
  using Credentials = push::Dispatcher::Credentials;
  const auto credentials = fcm.value().identity == _fcm.identity ? Credentials::same : Credentials::other;
  _fcm = std::move(fcm).value();
  for (const auto& warning : _fcm.warnings) logger().warning(warning);
  _status->reloaded(_fcm.tokens, late.empty());
  auto& toFcm = _dispatchers.at(store::Service::fcm);
  toFcm.reconfigure(fcmOptions(settings));
  _expiry->setExpireAfter(settings.store.expireAfter);
  _proxy.setLimits(proxyLimits(settings.limits));
  toFcm.replaceSenders(_fcm.makeSender, credentials);
  logging::setLevel(static_cast<int>(settings.logging.level), _settings.logging.poco);
  return {};
}

void Runtime::touch() const {
  for (const auto& [service, dispatcher] : _dispatchers) (void)dispatcher.queued();
  (void)_store->lastFault();
}

void Runtime::stop(Milliseconds bound) {
  if (std::exchange(_stopped, true)) return;
  const auto end = std::chrono::steady_clock::now() + bound;
  _http.reset();
  _control.reset();
  _status.reset();
  for (const auto& component : _components) component->stopReading();
  _clockWatch.reset();
  _proxy.giveUpDeferred();
  for (auto& [service, dispatcher] : _dispatchers) dispatcher.drain(until(end));
  // The reader asks the proxy nothing more. Closing the store answers what is asked of it still; a push that
  // it finds then is given up by its dispatcher, which takes none any more.
  _streams.with([](Streams& streams) {
    if (auto* const store = std::exchange(streams.told, nullptr)) store->setServing(false);
  });
  _watch.reset();
  _expiry.reset();
  _store.reset();
  // All of them flush meanwhile, however many there are.
  const auto now = std::chrono::steady_clock::now();
  const auto last = bound == Milliseconds::zero() ? now : std::max(end, now + kLeastFlush);
  for (const auto& component : _components) component->close(until(last));
}

}  // namespace p2::app
