#include "p2/component/Component.h"

#include "Connection.h"
#include "Outbox.h"
#include "Session.h"
#include "p2/core/Backoff.h"
#include "p2/core/Clock.h"

#include <Poco/Logger.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>

namespace p2::component {

namespace {

using Milliseconds = std::chrono::milliseconds;

// A stream that lasted so long was a good one: the next failure is a new one.
constexpr std::chrono::seconds kGoodStream{10};
// The same fault again is not logged again before that.
constexpr std::chrono::minutes kRepeatLog{10};
constexpr Milliseconds kFirstBackoff{500};
constexpr Milliseconds kLeastBackoff{100};
// A server closes its side of the stream at once when we have closed ours; one that does not is not waited
// for.
constexpr std::chrono::seconds kFarewell{2};
constexpr Milliseconds kClockPoll{250};
constexpr std::string_view kStreamEnd = "</stream:stream>";

Poco::Logger& logger() {
  return Poco::Logger::get("component");
}

Milliseconds left(std::chrono::steady_clock::time_point end) {
  const auto duration = std::chrono::duration_cast<Milliseconds>(end - std::chrono::steady_clock::now());
  return std::max(duration, Milliseconds::zero());
}

}  // namespace

class Component::Impl {
 public:
  Impl(Options options, OnRequest onRequest, OnState onState, core::Metrics& metrics)
      : _options(std::move(options)),
        _onRequest(std::move(onRequest)),
        _onState(std::move(onState)),
        _peer(_options.host + ':' + std::to_string(_options.port)),
        _received(metrics.counter("p2_stanzas_received_total", "Stanzas received from the XMPP server.")),
        _refused(metrics.counter("p2_stanzas_refused_total", "Stanzas beyond the limits.")),
        _connects(
            metrics.counter("p2_component_connects_total", "Streams to the XMPP server that were opened.")),
        _connected(metrics.gauge("p2_component_connected", "Streams to the XMPP server that are open.")),
        _outbox(_options.outboxCapacity, _options.answerLifetime, metrics),
        _route(_options.resolver, _options.firstAddress),
        _backoff({kFirstBackoff, _options.backoffMost, kLeastBackoff}),
        _standby({_options.standbyPause, _options.standbyPause, _options.standbyPause}) {
    _reader = std::thread([this] { run(); });
  }

  ~Impl() {
    const auto connection = beginStop();
    if (connection.ready) connection.ready->finish(kStreamEnd, Milliseconds::zero());
    if (connection.any) connection.any->shutdown();
    _reader.join();
  }

  void stopReading() {
    _reading.with([](bool& reading) { reading = false; });
  }

  void close(Milliseconds bound) {
    const auto end = std::chrono::steady_clock::now() + bound;
    if (status().state == State::connected) _outbox.flush(bound);
    const auto connection = beginStop();
    if (connection.ready && connection.ready->finish(kStreamEnd, left(end))) {
      awaitReader(std::min<Milliseconds>(left(end), kFarewell));
    }
    if (connection.any) connection.any->shutdown();
  }

  Status status() const {
    const std::scoped_lock lock(_mutex);
    Status copy = _status;
    copy.since = _since.civil();
    copy.unsentAnswers = _outbox.unsent();
    return copy;
  }

 private:
  void run() noexcept {
    while (!stopping()) {
      Ending ending;
      try {
        if (!mayJudge()) continue;
        ending = runSession();
      } catch (const std::exception& exception) {
        ending.reason = std::string("a fault of p2 ended the stream: ") + exception.what();
      }
      hold(nullptr);
      if (stopping()) break;
      retreat(ending);
    }
    enter(State::stopped);
  }

  /// Waits for a moment if the server's certificate cannot be judged yet.
  bool mayJudge() {
    const auto unset = _options.tls ? core::faultOf(core::systemClock()) : std::string();
    std::unique_lock lock(_mutex);
    if (unset.empty()) return true;
    _status.lastFault = unset;
    _wake.wait_for(lock, kClockPoll, [this] { return _stopping; });
    return false;
  }

  /// Connects and reads one stream to its end; gives why it ended.
  Ending runSession() {
    const auto connection = std::make_shared<Connection>(Connection::Options{
        _options.host, _options.port, _options.tls, _options.connectTimeout, _options.writeTimeout});
    hold(connection);
    if (stopping()) return {};
    if (const auto connected = connection->connect(_route); !connected) return {connected.error()};
    const std::function<void()> onReady = [&] {
      _route.succeeded(connection->address());
      ready();
    };
    Session session({_options, _onRequest, onReady, _outbox, _reading, _received, _refused}, connection);
    const auto started = std::chrono::steady_clock::now();
    Ending ending = session.run();
    if (session.ready() && std::chrono::steady_clock::now() - started >= kGoodStream) {
      _backoff.reset();
    } else {
      // A node that takes connections and serves nobody is not tried again before the others.
      _route.failed(connection->address());
    }
    if (ending.reason.empty()) ending.reason = "the XMPP server closed the stream";
    return ending;
  }

  void ready() {
    _connects.add();
    const std::string line = "connected to the XMPP server at " + _peer + " as " + _options.jid;
    if (status().state == State::standby) {
      logger().notice("the other connection is gone, and this p2 takes over: " + line);
    } else {
      logger().information(line);
    }
    {
      const std::scoped_lock lock(_mutex);
      _status.lastFault.clear();
    }
    enter(State::connected);
  }

  /// Logs why there is no stream and waits before the next try.
  void retreat(const Ending& ending) {
    const bool standsBy = ending.retreat == Retreat::standby;
    const auto delay = pauseFor(ending.retreat);
    if (standsBy) {
      reportStandby(ending.reason);
    } else {
      report(ending, delay);
    }
    enter(standsBy ? State::standby : State::connecting, ending.reason);
    std::unique_lock lock(_mutex);
    _wake.wait_for(lock, delay, [this] { return _stopping; });
  }

  Milliseconds pauseFor(Retreat retreat) {
    switch (retreat) {
      case Retreat::growing:
        return _backoff.next();
      case Retreat::standby:
        // Soon, so that no server waits for long; but not where phones that this p2 does not know would be
        // answered by it, before the right one is back from a restart.
        if (!_options.standbyCaution.empty()) return _backoff.next();
        // The server is there and knows the secret: what comes after is a failure of its own.
        _backoff.reset();
        return _standby.next();
      case Retreat::yielding:
        return _options.backoffMost;
    }
    return _options.backoffMost;
  }

  /// Once, however long it lasts.
  void reportStandby(const std::string& reason) {
    if (status().state == State::standby) return;
    if (_options.standbyCaution.empty()) {
      logger().notice(reason);
    } else {
      logger().warning(reason);
    }
  }

  void report(const Ending& ending, Milliseconds delay) {
    const auto now = std::chrono::steady_clock::now();
    const bool repeats = ending.reason == _reported && now - _reportedAt < kRepeatLog;
    if (repeats && _status.state == State::connecting) return;
    _reported = ending.reason;
    _reportedAt = now;
    std::string line = ending.reason + "; trying again in " + std::to_string(delay.count()) + " ms";
    if (ending.retreat == Retreat::growing) {
      line += " and then less often, up to every " +
              std::to_string(std::chrono::ceil<std::chrono::seconds>(_options.backoffMost).count()) + " s";
    }
    logger().warning(line);
  }

  void enter(State state, const std::string& fault = {}) {
    bool wasConnected = false;
    {
      const std::scoped_lock lock(_mutex);
      if (!fault.empty()) _status.lastFault = fault;
      if (_status.state == state) return;
      wasConnected = _status.state == State::connected;
      _status.state = state;
      _since = core::Moment();
    }
    _wake.notify_all();
    // Several components may share the metric.
    if (wasConnected != (state == State::connected)) _connected.add(wasConnected ? -1 : 1);
    if (_onState) _onState(state);
  }

  bool stopping() const {
    const std::scoped_lock lock(_mutex);
    return _stopping;
  }

  /// From now on, shutting this connection down ends the reader's work.
  void hold(std::shared_ptr<Connection> connection) {
    const std::scoped_lock lock(_mutex);
    _connection = std::move(connection);
  }

  struct Held {
    std::shared_ptr<Connection> any;    // null if there is none
    std::shared_ptr<Connection> ready;  // the same if the stream is open
  };

  /// No stream is opened any more. Gives what there is, to be closed.
  Held beginStop() {
    Held held;
    {
      const std::scoped_lock lock(_mutex);
      _stopping = true;
      held.any = _connection;
      if (_status.state == State::connected) held.ready = _connection;
    }
    _wake.notify_all();
    return held;
  }

  void awaitReader(Milliseconds bound) {
    std::unique_lock lock(_mutex);
    _wake.wait_for(lock, bound, [this] { return _status.state == State::stopped; });
  }

  const Options _options;
  const OnRequest _onRequest;
  const OnState _onState;
  const std::string _peer;
  core::Counter& _received;
  core::Counter& _refused;
  core::Counter& _connects;
  core::Gauge& _connected;
  core::Guarded<bool> _reading{true};
  Outbox _outbox;
  http::Route _route;                                 // reader thread
  core::Backoff _backoff;                             // reader thread
  core::Backoff _standby;                             // reader thread; the same each time but for its jitter
  std::string _reported;                              // reader thread
  std::chrono::steady_clock::time_point _reportedAt;  // reader thread
  mutable std::mutex _mutex;
  std::condition_variable _wake;  // the end has come, or the state has changed
  core::Moment _since;            ///< When the state was entered.
  Status _status;
  // Shared with the session that reads it, so that any thread can end it.
  std::shared_ptr<Connection> _connection;
  bool _stopping = false;
  std::thread _reader;
};

Component::Component(Options options, OnRequest onRequest, OnState onState, core::Metrics& metrics)
    : _impl(std::make_unique<Impl>(std::move(options), std::move(onRequest), std::move(onState), metrics)) {}

Component::~Component() = default;

void Component::stopReading() {
  _impl->stopReading();
}

void Component::close(std::chrono::milliseconds bound) {
  _impl->close(bound);
}

Component::Status Component::status() const {
  return _impl->status();
}

}  // namespace p2::component
