#include "p2/component/Component.h"

#include "Connection.h"
#include "Outbox.h"
#include "Session.h"
#include "p2/push/Backoff.h"

#include <Poco/Logger.h>

#include <condition_variable>
#include <mutex>
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

Poco::Logger& logger() {
  return Poco::Logger::get("component");
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
        _connected(metrics.gauge("p2_component_connected", "Whether the stream to the XMPP server is open.")),
        _outbox(_options.outboxCapacity, _options.answerLifetime, metrics),
        _backoff({kFirstBackoff, _options.backoffMost, kLeastBackoff}) {
    _status.since = std::chrono::system_clock::now();
    _reader = std::thread([this] { run(); });
  }

  ~Impl() {
    shutdown();
    _reader.join();
  }

  void stopReading() {
    _reading.with([](bool& reading) { reading = false; });
  }

  void close(Milliseconds bound) {
    if (status().state == State::connected) _outbox.flush(bound);
    shutdown();
  }

  Status status() const {
    const std::scoped_lock lock(_mutex);
    Status copy = _status;
    copy.unsentAnswers = _outbox.unsent();
    return copy;
  }

 private:
  void run() noexcept {
    while (!stopping()) {
      std::string fault;
      try {
        fault = runSession();
      } catch (const std::exception& exception) {
        fault = exception.what();
      }
      if (stopping()) break;
      retreat(std::move(fault));
    }
    enter(State::stopped);
  }

  /// Connects and reads one stream to its end; gives why it ended.
  std::string runSession() {
    auto opened = Connection::open({_options.host, _options.port, _options.tls, _options.connectTimeout});
    if (!opened) return opened.error();
    {
      const std::scoped_lock lock(_mutex);
      _connection = opened.value();
    }
    if (stopping()) return {};
    const std::function<void()> onReady = [this] { ready(); };
    Session session({_options, _onRequest, onReady, _outbox, _reading, _received, _refused}, opened.value());
    const auto started = std::chrono::steady_clock::now();
    std::string reason = session.run();
    {
      const std::scoped_lock lock(_mutex);
      _connection.reset();
    }
    if (session.ready() && std::chrono::steady_clock::now() - started >= kGoodStream) _backoff.reset();
    return reason.empty() ? "the XMPP server closed the stream" : reason;
  }

  void ready() {
    _connects.add();
    logger().information("connected to the XMPP server at " + _peer + " as " + _options.jid);
    {
      const std::scoped_lock lock(_mutex);
      _status.lastFault.clear();
    }
    enter(State::connected);
  }

  /// Logs the fault and waits before the next try.
  void retreat(std::string fault) {
    const auto delay = _backoff.next();
    report(fault, delay);
    enter(State::connecting, fault);
    std::unique_lock lock(_mutex);
    _wake.wait_for(lock, delay, [this] { return _stopping; });
  }

  void report(const std::string& fault, Milliseconds delay) {
    const auto now = std::chrono::steady_clock::now();
    if (fault == _reported && now - _reportedAt < kRepeatLog && _status.state == State::connecting) return;
    _reported = fault;
    _reportedAt = now;
    logger().warning(fault + "; trying again in " + std::to_string(delay.count()) +
                     " ms and then less often, up to every " +
                     std::to_string(std::chrono::ceil<std::chrono::seconds>(_options.backoffMost).count()) +
                     " s");
  }

  void enter(State state, const std::string& fault = {}) {
    {
      const std::scoped_lock lock(_mutex);
      if (!fault.empty()) _status.lastFault = fault;
      if (_status.state == state) return;
      _status.state = state;
      _status.since = std::chrono::system_clock::now();
    }
    _connected.set(state == State::connected ? 1 : 0);
    if (_onState) _onState(state);
  }

  bool stopping() const {
    const std::scoped_lock lock(_mutex);
    return _stopping;
  }

  void shutdown() {
    std::shared_ptr<Connection> connection;
    {
      const std::scoped_lock lock(_mutex);
      _stopping = true;
      connection = _connection;
    }
    _wake.notify_all();
    if (!connection) return;
    connection->write("</stream:stream>");
    connection->shutdown();
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
  push::Backoff _backoff;                             // reader thread
  std::string _reported;                              // reader thread
  std::chrono::steady_clock::time_point _reportedAt;  // reader thread
  mutable std::mutex _mutex;
  std::condition_variable _wake;
  Status _status;
  std::shared_ptr<Connection>
      _connection;  // shared with the session that reads it, so that any thread can end it
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
