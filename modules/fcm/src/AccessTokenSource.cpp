#include "p2/fcm/AccessTokenSource.h"

#include "JwtAssertion.h"
#include "TokenAnswer.h"
#include "p2/core/Backoff.h"
#include "p2/http/HttpsSession.h"
#include "p2/http/Route.h"

#include <Poco/Logger.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace p2::fcm {

using TimePoint = core::Clock::TimePoint;

namespace {

constexpr const char* kForm = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";

// A clock that is set is set by more; NTP slews what is less.
constexpr std::chrono::seconds kClockWasSet{10};

core::Counter& refreshCounter(core::Metrics& metrics, const char* result) {
  return metrics.counter("p2_fcm_oauth_refreshes_total", "Requests for an access token, by result.",
                         {{"result", result}});
}

}  // namespace

class AccessTokenSource::Impl {
 public:
  Impl(ServiceAccount account, std::shared_ptr<const http::TlsContext> tls, const Options& options,
       core::Metrics& metrics);
  ~Impl();

  std::variant<core::Secret, TokenFault> get(TimePoint deadline);
  void invalidate(const core::Secret& token);
  State state() const;

 private:
  struct Token {
    core::Secret value;
    TimePoint refreshFrom;
    TimePoint expires;
    std::chrono::system_clock::time_point wallExpires;
  };

  // Under the lock.
  bool usable(TimePoint now) const { return _token && now < _token->expires; }
  void want(TimePoint now);
  bool clockWasSet();
  std::chrono::seconds wallAhead() const;
  void accept(const Grant& grant, TimePoint asked);
  void refuse(const Refusal& refusal);

  // In the thread.
  void run();
  std::variant<Grant, Refusal> request() noexcept;
  std::variant<Grant, Refusal> requestNow();
  static void log(const std::optional<TokenFault>& before, const std::optional<TokenFault>& after);

  const ServiceAccount _account;
  const std::shared_ptr<const http::TlsContext> _tls;
  const Options _options;
  const core::Clock& _clock;
  const std::shared_ptr<http::Route> _route = std::make_shared<http::Route>();
  core::Counter& _granted;
  core::Counter& _refused;
  core::Counter& _failed;

  mutable std::mutex _mutex;
  std::condition_variable _wake;    ///< For the thread: a token is wanted, or the end.
  std::condition_variable _landed;  ///< For callers: a request has ended.
  std::optional<Token> _token;
  std::optional<TokenFault> _fault;
  bool _wanted = false;  ///< From want() until the request has ended.
  bool _stopping = false;
  unsigned long long _flights = 0;
  TimePoint _notBefore = TimePoint::min();
  std::optional<TimePoint> _invalidated;
  std::optional<std::chrono::seconds> _wrongClock;  ///< wallAhead() when it may have been to blame.
  core::Backoff _passing;
  core::Backoff _refusing;
  std::thread _thread;
};

AccessTokenSource::Impl::Impl(ServiceAccount account, std::shared_ptr<const http::TlsContext> tls,
                              const Options& options, core::Metrics& metrics)
    : _account(std::move(account)),
      _tls(std::move(tls)),
      _options(options),
      _clock(*options.clock),
      _granted(refreshCounter(metrics, "granted")),
      _refused(refreshCounter(metrics, "refused")),
      _failed(refreshCounter(metrics, "failed")),
      _passing(
          {.first = options.firstBackoff, .most = options.mostBackoff, .least = options.firstBackoff / 2}),
      _refusing({.first = options.refusedBackoff,
                 .most = options.mostRefusedBackoff,
                 .least = options.refusedBackoff}),
      _thread([this] { run(); }) {}

AccessTokenSource::Impl::~Impl() {
  {
    const std::scoped_lock lock(_mutex);
    _stopping = true;
  }
  _wake.notify_all();
  _thread.join();
}

std::variant<core::Secret, TokenFault> AccessTokenSource::Impl::get(TimePoint deadline) {
  std::unique_lock lock(_mutex);
  const TimePoint now = _clock.now();
  if (usable(now)) {
    if (now >= _token->refreshFrom) want(now);
    return _token->value;
  }
  want(now);
  if (!_wanted && _fault) return *_fault;
  const auto flight = _flights;
  _landed.wait_until(lock, _clock.realDeadline(deadline), [&] { return _flights != flight; });
  if (usable(_clock.now())) return _token->value;
  if (_flights != flight && _fault) return *_fault;
  return TokenFault{_account.tokenUrl.host + " did not give an access token in time.", false};
}

void AccessTokenSource::Impl::want(TimePoint now) {
  if (_wanted || (now < _notBefore && !clockWasSet())) return;
  _wanted = true;
  _wake.notify_one();
}

/// How far civil time is ahead of monotonic time: it changes when the clock is set, and not else.
std::chrono::seconds AccessTokenSource::Impl::wallAhead() const {
  return std::chrono::duration_cast<std::chrono::seconds>(_clock.wallTime().time_since_epoch() -
                                                          _clock.now().time_since_epoch());
}

/// Whether our time was refused, or a certificate by it, and it is another now: on a machine without a clock
/// of its own that happens within seconds of its start.
bool AccessTokenSource::Impl::clockWasSet() {
  if (!_wrongClock || std::chrono::abs(wallAhead() - *_wrongClock) < kClockWasSet) return false;
  _wrongClock.reset();
  return true;
}

void AccessTokenSource::Impl::invalidate(const core::Secret& token) {
  const std::scoped_lock lock(_mutex);
  const TimePoint now = _clock.now();
  if (!_token || !(_token->value == token)) return;
  if (_invalidated && now - *_invalidated < _options.invalidateEvery) return;
  _invalidated = now;
  _token.reset();
}

AccessTokenSource::State AccessTokenSource::Impl::state() const {
  const std::scoped_lock lock(_mutex);
  State state;
  state.valid = usable(_clock.now());
  if (_token) state.expires = _token->wallExpires;
  state.fault = _fault;
  return state;
}

void AccessTokenSource::Impl::run() {
  std::unique_lock lock(_mutex);
  for (;;) {
    _wake.wait(lock, [this] { return _stopping || _wanted; });
    if (_stopping) return;
    const TimePoint asked = _clock.now();
    lock.unlock();
    const auto answer = request();
    lock.lock();
    const auto before = _fault;
    if (const auto* grant = std::get_if<Grant>(&answer)) {
      accept(*grant, asked);
    } else {
      refuse(std::get<Refusal>(answer));
    }
    const auto after = _fault;
    _wanted = false;
    ++_flights;
    _landed.notify_all();
    lock.unlock();
    log(before, after);
    lock.lock();
  }
}

void AccessTokenSource::Impl::accept(const Grant& grant, TimePoint asked) {
  const std::chrono::seconds ahead = std::min(_options.refreshAhead, grant.lifetime / 2);
  const TimePoint expires = asked + grant.lifetime;
  _token = Token{grant.token, expires - ahead, expires,
                 _clock.wallTime() +
                     std::chrono::duration_cast<std::chrono::system_clock::duration>(expires - _clock.now())};
  _fault.reset();
  _notBefore = TimePoint::min();
  _passing.reset();
  _refusing.reset();
  _granted.add();
}

void AccessTokenSource::Impl::refuse(const Refusal& refusal) {
  _fault = refusal.fault;
  (refusal.fault.misconfigured ? _refused : _failed).add();
  auto& backoff = refusal.fault.misconfigured ? _refusing : _passing;
  const auto asked =
      std::min(refusal.retryAfter.value_or(std::chrono::milliseconds{0}), _options.mostRetryAfter);
  _notBefore = _clock.now() + std::max(backoff.next(), asked);
  _wrongClock.reset();
  if (refusal.byClock) _wrongClock = wallAhead();
}

std::variant<Grant, Refusal> AccessTokenSource::Impl::request() noexcept {
  try {
    return requestNow();
  } catch (const std::exception&) {
    return Refusal{{"An access token could not be requested: too little memory.", false}, {}};
  }
}

std::variant<Grant, Refusal> AccessTokenSource::Impl::requestNow() {
  if (auto unset = core::faultOf(_clock); !unset.empty()) {
    return Refusal{{"No access token: " + unset + ".", false}, {}, true};
  }
  const auto assertion = makeAssertion(_account, _clock.wallTime());
  if (!assertion) return Refusal{{assertion.error(), true}, {}};
  http::HttpsSession::Options options;
  options.url = _account.tokenUrl;
  options.route = _route;
  options.proxy = _options.proxy;
  options.timeout = _options.timeout;
  options.connectTimeout = _options.timeout / 2;
  options.clock = &_clock;
  http::HttpsSession session(options, _tls);
  const std::string& path = _account.tokenUrl.path;
  const auto result =
      session.post(path.empty() ? "/" : path, {{"Content-Type", "application/x-www-form-urlencoded"}},
                   kForm + assertion.value().reveal(), TimePoint::max());
  if (const auto* fault = std::get_if<http::Fault>(&result)) {
    // A certificate may be refused for a date.
    return Refusal{{"No access token: " + fault->text, false}, {}, fault->kind == http::Fault::Kind::tls};
  }
  const auto& response = std::get<http::Response>(result);
  if (response.cut) return Refusal{{"No access token: " + response.cut->text, false}, {}};
  return readTokenAnswer(response, _account, _clock.wallTime());
}

/// Tells the beginning and the end of trouble, not every failure in between.
void AccessTokenSource::Impl::log(const std::optional<TokenFault>& before,
                                  const std::optional<TokenFault>& after) {
  try {
    auto& logger = Poco::Logger::get("fcm");
    if (after && (!before || before->misconfigured != after->misconfigured)) logger.error(after->text);
    if (before && !after) logger.information("An access token was obtained again.");
  } catch (const std::exception&) {
    // A log that cannot be written must not end the thread.
  }
}

AccessTokenSource::AccessTokenSource(const ServiceAccount& account,
                                     std::shared_ptr<const http::TlsContext> tls, const Options& options,
                                     core::Metrics& metrics)
    : _impl(std::make_unique<Impl>(account, std::move(tls), options, metrics)) {}

AccessTokenSource::~AccessTokenSource() = default;

std::variant<core::Secret, TokenFault> AccessTokenSource::get(TimePoint deadline) {
  return _impl->get(deadline);
}

void AccessTokenSource::invalidate(const core::Secret& token) {
  _impl->invalidate(token);
}

AccessTokenSource::State AccessTokenSource::state() const {
  return _impl->state();
}

}  // namespace p2::fcm
