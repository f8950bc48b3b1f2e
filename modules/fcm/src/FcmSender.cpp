#include "p2/fcm/FcmSender.h"

#include "p2/http/HttpsSession.h"
#include "p2/http/RetryAfter.h"
#include "p2/http/Route.h"

#include <variant>

namespace p2::fcm {

using TimePoint = core::Clock::TimePoint;

namespace {

constexpr const char* kGoogle = "fcm.googleapis.com";

/// What the senders of one configuration have in common. Immutable.
struct Service {
  FcmConfig config;
  std::shared_ptr<const http::TlsContext> tls;
  std::shared_ptr<AccessTokenSource> tokens;  ///< Null: the legacy API.
  core::Histogram& latency;
  std::string path;
  /// What one sender finds out about the way to FCM helps the next, which a quiet server makes for nearly
  /// every push.
  std::shared_ptr<http::Route> route = std::make_shared<http::Route>();
};

push::Outcome failed(std::string reason, bool misconfigured = false) {
  push::Outcome outcome;
  outcome.kind = misconfigured ? push::Outcome::Kind::misconfigured : push::Outcome::Kind::retry;
  outcome.reason = std::move(reason);
  return outcome;
}

/// Whether a fault of a request is one of the way to FCM, which no message gets past. A request that was not
/// answered, or not in time, may have met with a single bad connection.
push::Outcome::Scope scopeOf(http::Fault::Kind kind) {
  switch (kind) {
    case http::Fault::Kind::resolve:
    case http::Fault::Kind::connect:
    case http::Fault::Kind::tls:
      return push::Outcome::Scope::service;
    case http::Fault::Kind::timeout:
    case http::Fault::Kind::closed:
    case http::Fault::Kind::malformed:
    case http::Fault::Kind::tooLarge:
      return push::Outcome::Scope::target;
  }
  return push::Outcome::Scope::target;
}

http::HttpsSession::Options sessionOptions(const Service& service) {
  const FcmConfig& config = service.config;
  http::HttpsSession::Options options;
  options.route = service.route;
  options.url = config.endpoint;
  options.proxy = config.proxy;
  options.timeout = config.timeout;
  options.clock = config.clock;
  return options;
}

class FcmSender final : public push::Sender {
 public:
  /// `service` is shared with the factory and the other senders; a reload replaces the factory first.
  explicit FcmSender(std::shared_ptr<const Service> service)
      : _service(std::move(service)), _session(sessionOptions(*_service), _service->tls) {}

  push::Outcome send(const push::Message& message, TimePoint deadline) noexcept override {
    try {
      return _service->tokens ? sendV1(message, deadline) : sendLegacy(message, deadline);
    } catch (const std::exception&) {
      _session.reset();
      return failed("the message could not be made");
    }
  }

 private:
  using Reply = std::variant<Answer, push::Outcome>;

  push::Outcome sendV1(const push::Message& message, TimePoint deadline);
  push::Outcome sendLegacy(const push::Message& message, TimePoint deadline);
  Verdict tryV1(const std::string& body, const core::Secret& token, TimePoint deadline);
  Reply post(const std::string& authorization, const std::string& body, TimePoint deadline);

  const std::shared_ptr<const Service> _service;
  http::HttpsSession _session;
};

push::Outcome FcmSender::sendV1(const push::Message& message, TimePoint deadline) {
  AccessTokenSource& tokens = *_service->tokens;
  const std::string body = encodeV1(message, _service->config.message);
  const auto first = tokens.get(deadline);
  if (const auto* fault = std::get_if<TokenFault>(&first)) return failed(fault->text, fault->misconfigured);
  const auto& token = std::get<core::Secret>(first);
  const Verdict verdict = tryV1(body, token, deadline);
  if (!verdict.accessTokenRefused) return verdict.outcome;

  tokens.invalidate(token);
  const auto second = tokens.get(deadline);
  if (const auto* fault = std::get_if<TokenFault>(&second)) return failed(fault->text, fault->misconfigured);
  const auto& fresh = std::get<core::Secret>(second);
  return fresh == token ? verdict.outcome : tryV1(body, fresh, deadline).outcome;
}

Verdict FcmSender::tryV1(const std::string& body, const core::Secret& token, TimePoint deadline) {
  auto reply = post("Bearer " + token.reveal(), body, deadline);
  if (auto* fault = std::get_if<push::Outcome>(&reply)) return {std::move(*fault)};
  return classifyV1(std::get<Answer>(reply));
}

push::Outcome FcmSender::sendLegacy(const push::Message& message, TimePoint deadline) {
  // Taken for a registration token it would be called an invalid one, and removed.
  if (message.target.kind != core::Target::Kind::registrationToken) {
    return failed(
        "a Firebase Installation ID is reached by the HTTP v1 API alone; give fcm.serviceAccountFile", true);
  }
  auto reply = post("key=" + _service->config.authKey.reveal(),
                    encodeLegacy(message, _service->config.message), deadline);
  if (auto* fault = std::get_if<push::Outcome>(&reply)) return std::move(*fault);
  return classifyLegacy(std::get<Answer>(reply));
}

FcmSender::Reply FcmSender::post(const std::string& authorization, const std::string& body,
                                 TimePoint deadline) {
  const core::Clock& clock = *_service->config.clock;
  const TimePoint begin = clock.now();
  auto result =
      _session.post(_service->path, {{"Authorization", authorization}, {"Content-Type", "application/json"}},
                    body, deadline);
  _service->latency.observe(std::chrono::duration<double>(clock.now() - begin).count());
  if (auto* fault = std::get_if<http::Fault>(&result)) {
    auto outcome = failed(std::move(fault->text));
    // Who came with too little time for a connection says nothing of the way.
    if (clock.now() < deadline) outcome.scope = scopeOf(fault->kind);
    return outcome;
  }
  auto& response = std::get<http::Response>(result);
  // With the v1 API the status and how the body begins say it all; the legacy one says of success and failure
  // in the body.
  if (response.cut && !_service->tokens) return failed(std::move(response.cut->text));
  return Answer{response.status, std::move(response.body),
                http::parseRetryAfter(response.retryAfter, clock.wallTime())};
}

push::SenderFactory makeSenders(FcmConfig&& config, std::shared_ptr<const http::TlsContext> tls,
                                std::shared_ptr<AccessTokenSource> tokens, core::Metrics& metrics,
                                const std::string& path) {
  std::string prefix = config.endpoint.path;
  while (prefix.ends_with('/')) prefix.pop_back();
  auto& latency = metrics.histogram("p2_fcm_request_seconds", "How long FCM took to answer a request.");
  const auto service = std::make_shared<const Service>(
      Service{std::move(config), std::move(tls), std::move(tokens), latency, prefix + path});
  return [service] { return std::make_unique<FcmSender>(service); };
}

}  // namespace

push::SenderFactory makeV1Senders(FcmConfig config, std::shared_ptr<const http::TlsContext> tls,
                                  std::shared_ptr<AccessTokenSource> tokens, core::Metrics& metrics) {
  const std::string path = "/v1/projects/" + config.projectId + "/messages:send";
  return makeSenders(std::move(config), std::move(tls), std::move(tokens), metrics, path);
}

push::SenderFactory makeLegacySenders(FcmConfig config, std::shared_ptr<const http::TlsContext> tls,
                                      core::Metrics& metrics) {
  return makeSenders(std::move(config), std::move(tls), nullptr, metrics, "/fcm/send");
}

std::optional<std::string> legacyWarning(const http::Url& endpoint) {
  if (endpoint.host != kGoogle) return std::nullopt;
  return "fcm.authKey uses FCM's legacy API, which Google switched off in July 2024: nothing will be "
         "delivered. Give a service account in fcm.serviceAccountFile, or a compatible gateway in "
         "fcm.endpoint.";
}

}  // namespace p2::fcm
