#pragma once

#include "daemon/ClockWatch.h"
#include "daemon/Expiry.h"
#include "daemon/SecondWatch.h"
#include "daemon/StatusSource.h"
#include "daemon/StoreWatch.h"
#include "links/FcmLink.h"
#include "p2/component/Component.h"
#include "p2/control/Socket.h"
#include "p2/core/Guarded.h"
#include "p2/core/Metrics.h"
#include "p2/core/Result.h"
#include "p2/logging/RecentFaults.h"
#include "p2/proxy/PushProxy.h"
#include "p2/push/Dispatcher.h"
#include "p2/settings/Settings.h"
#include "p2/store/Registration.h"
#include "p2/store/RegistrationStore.h"
#include "p2/web/HttpEndpoint.h"

#include <chrono>
#include <cstddef>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace p2::app {

/// Why the daemon could not start.
struct StartFault {
  int exitCode = 0;  ///< Of sysexits.h.
  std::string text;
};

/// The running daemon. Here, and only here, the modules are joined:
///
///     components --- onIq ---> proxy --- submit ---> dispatchers --- send ---> senders (from FcmLink)
///     (the streams)             |  ^                     |
///        ^                      |  '---- outcome --------'
///        '---- answer ----------+--- look up, change ---> store <--- expiry
///
///     status source --- looks at all of them ---> control socket, HTTP endpoint
///
/// Who calls must end before whom it calls; but what is answered late goes through a component, which
/// therefore is closed last. So stop() does not follow the order of the members: it stops reading, lets the
/// dispatchers finish, closes the store, whose last commits answer phones, and then closes the streams, which
/// send those answers.
///
/// The order of its members is the order of dependency. Made and stopped by the main
/// thread; the metrics, store, dispatchers, proxy and component are shared between threads and are
/// thread-safe.
class Runtime {
 public:
  /// Opens the store and starts connecting. `onState` is called in a reader thread when the first stream is
  /// open, when none is any more, and when p2 stands by; `onClock` in a thread of its own.
  /// Throws what the system throws when it refuses a thread or memory.
  static std::variant<std::unique_ptr<Runtime>, StartFault> start(
      const settings::Settings& settings, Poco::AutoPtr<logging::RecentFaults> recentFaults,
      component::Component::OnState onState, ClockWatch::OnChange onClock);

  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;
  /// Stops without waiting, if stop() was not called.
  ~Runtime();

  /// Takes over what changes live; the rest is logged as needing a restart. If a file that the settings name
  /// is not right, nothing changes, and the error says what is wrong.
  core::Result<void> reload(const settings::Settings& settings);

  /// Goes once through the locks that the threads share: with a thread stuck in one of them it does not
  /// return, and the service manager's watchdog sees it. Asks no database, whose faults are no reason to end.
  void touch() const;

  /// Takes no more requests, lets those in hand finish for up to `bound`, answers the others wait, and closes
  /// the stream.
  void stop(std::chrono::milliseconds bound);

 private:
  struct Streams {
    std::size_t open = 0;
    store::RegistrationArchive* told =
        nullptr;  ///< Who measures how long there are any; null once it closes.
  };

  void noteStream(component::Component::State before, component::Component::State now);
  void begin(component::Component::Options componentOptions);
  void openStreams(component::Component::Options options);
  void warnOfStore() const;
  void dropDomains();
  void openStatus();
  void openControl();
  void openHttp();

  Runtime(const settings::Settings& settings, FcmLink fcm, std::unique_ptr<store::RegistrationStore> opened,
          component::Component::Options componentOptions, std::unique_ptr<core::Metrics> registry,
          Poco::AutoPtr<logging::RecentFaults> recentFaults, component::Component::OnState onState,
          ClockWatch::OnChange onClock);

  const Poco::AutoPtr<logging::RecentFaults> _recentFaults;
  const settings::Settings _settings;  ///< As it was started with.
  std::unique_ptr<core::Metrics> _metrics;
  std::unique_ptr<store::RegistrationStore> _store;  // owned by pointer: it is closed before the stream is
  std::unique_ptr<Expiry> _expiry;                   // likewise, and before the store
  FcmLink _fcm;
  std::map<store::Service, push::Dispatcher> _dispatchers;  ///< Of each service that is configured.
  std::unique_ptr<SecondWatch> _secondWatch;  ///< Null where all p2 of the name share the store.
  proxy::PushProxy _proxy;
  std::unique_ptr<StoreWatch> _watch;       // owned by pointer: it ends before the store
  std::unique_ptr<ClockWatch> _clockWatch;  // likewise, as it has requests served
  component::Component::OnState _onState;
  core::Guarded<Streams> _streams;
  std::shared_future<void> _answersCommands;  ///< Ready once commands can ask, or never will.
  std::vector<std::unique_ptr<component::Component>> _components;
  std::promise<void> _commandsAnswered;       // ends before the components, which wait for it
  std::unique_ptr<StatusSource> _status;      // ends before all that it looks at
  std::unique_ptr<control::Socket> _control;  // null if it cannot be had; looks through _status
  std::unique_ptr<web::HttpEndpoint> _http;   // null if switched off; likewise
  bool _stopped = false;
};

}  // namespace p2::app
