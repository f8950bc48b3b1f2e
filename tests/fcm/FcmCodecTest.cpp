#include "p2/fcm/FcmCodec.h"
#include "support/Catch.h"

using namespace std::chrono_literals;
using namespace p2::fcm;
using p2::core::Secret;
using p2::core::Target;
using p2::push::Message;
using Kind = p2::push::Outcome::Kind;
using Scope = p2::push::Outcome::Scope;
using Priority = MessageSettings::Priority;

namespace {

const std::string kToken =
    "eeDXSJjASJY:APA91bEKxhXK54-vHhY9O55JmU2R0nDJL2rRENm-W9uPY6x3jHi0i0OyvPu6js9jVPZqDeX9ZQydZCBZE19o7a0kK4_"
    "n88fCgufXjaOlvalh9VibB2zOI7dQRTaDNB3H5s4dicpWD0m4";
const std::string kDevice = "ec164939a8485ee6b7f7871071a11c7bb18aead5";
const std::string kChannel = "0f1e2d3c4b5a69788796a5b4c3d2e1f000112233";

Message message(const std::string& channel = {}, bool isImportant = false) {
  return {{Target::Kind::registrationToken, Secret(kToken)}, kDevice, channel, isImportant};
}

MessageSettings settings(Priority priority, bool collapse, std::optional<std::chrono::seconds> ttl = {},
                         bool validateOnly = false) {
  return {priority, collapse, ttl, validateOnly};
}

/// An `error` as Google writes it.
std::string error(const std::string& status, const std::string& message, const std::string& details = {}) {
  return R"({"error":{"code":0,"message":")" + message + R"(","status":")" + status + '"' +
         (details.empty() ? "" : ",\"details\":[" + details + ']') + "}}";
}

std::string fcmError(const std::string& code) {
  return R"({"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":")" + code + "\"}";
}

std::string errorInfo(const std::string& reason) {
  return R"({"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":")" + reason +
         R"(","domain":"googleapis.com","metadata":{"service":"fcm.googleapis.com"}})";
}

std::string badRequest(const std::string& field) {
  return R"({"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":")" + field +
         R"(","description":"Invalid registration token"}]})";
}

std::string quotaFailure(const std::string& subject, const std::string& description) {
  return R"({"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"subject":")" + subject +
         R"(","description":")" + description + R"("}]})";
}

const std::string kHtml = "<!DOCTYPE html>\n<html lang=en>\n  <title>Error 404 (Not Found)!!1</title>\n";
const std::string kBadToken = "The registration token is not a valid FCM registration token";

}  // namespace

TEST_CASE("Messages for the HTTP v1 API have their exact form") {
  struct Case {
    Message message;
    MessageSettings settings;
    std::string body;
  };
  const std::string head = R"({"message":{"token":")" + kToken + R"(","data":{"account":")" + kDevice + '"';
  const Case cases[] = {
      {message(), {}, head + R"(},"android":{"priority":"HIGH","collapse_key":"ec1649"}}})"},
      {message(kChannel), settings(Priority::high, true, 86400s),
       head + R"(,"channel":")" + kChannel +
           R"("},"android":{"priority":"HIGH","collapse_key":"0f1e2d","ttl":"86400s"}}})"},
      {message(), settings(Priority::normal, false), head + R"(},"android":{"priority":"NORMAL"}}})"},
      {message(), settings(Priority::automatic, false), head + R"(},"android":{"priority":"NORMAL"}}})"},
      {message({}, true), settings(Priority::automatic, false),
       head + R"(},"android":{"priority":"HIGH"}}})"},
      {message(), settings(Priority::high, false, 0s, true),
       head + R"(},"android":{"priority":"HIGH","ttl":"0s"}},"validate_only":true})"},
      {{{Target::Kind::installationId, Secret("c\"\\\n")}, "d", "", false},
       settings(Priority::high, true),
       R"({"message":{"fid":"c\"\\\u000a","data":{"account":"d"},"android":{"priority":"HIGH","collapse_key":"d"}}})"},
  };
  for (const auto& [sent, how, body] : cases) CHECK(encodeV1(sent, how) == body);
}

TEST_CASE("Messages for the legacy API have their exact form") {
  struct Case {
    Message message;
    MessageSettings settings;
    std::string body;
  };
  const std::string head = R"({"to":")" + kToken + '"';
  const std::string data = R"(,"data":{"account":")" + kDevice + '"';
  const Case cases[] = {
      {message(), settings(Priority::normal, false), head + data + "}}"},
      {message(), {}, head + R"(,"priority":"high","collapse_key":"ec1649")" + data + "}}"},
      {message(kChannel), settings(Priority::normal, true),
       head + R"(,"collapse_key":"0f1e2d")" + data + R"(,"channel":")" + kChannel + "\"}}"},
      {message({}, true), settings(Priority::automatic, false, 60s, true),
       head + R"(,"priority":"high","time_to_live":60,"dry_run":true)" + data + "}}"},
  };
  for (const auto& [sent, how, body] : cases) CHECK(encodeLegacy(sent, how) == body);
}

TEST_CASE("Answers of the HTTP v1 API are judged") {
  struct Case {
    int status;
    std::string body;
    Kind kind;
    std::string reason;
    Scope scope = Scope::target;
  };
  const std::string delivered = R"({"name":"projects/p/messages/0:1500415314455276%31bd1c9631bd1c96"})";
  const Case cases[] = {
      {200, delivered, Kind::delivered, ""},
      {200, "", Kind::delivered, ""},
      {200, kHtml, Kind::delivered, ""},

      {404, error("NOT_FOUND", "Requested entity was not found.", fcmError("UNREGISTERED")), Kind::targetGone,
       "FCM answered 404 NOT_FOUND UNREGISTERED"},
      {404, error("NOT_FOUND", "gone", errorInfo("X") + ',' + fcmError("UNREGISTERED")), Kind::targetGone,
       "FCM answered 404 NOT_FOUND UNREGISTERED X"},
      {404, kHtml, Kind::retry, "FCM answered 404: nothing is there"},
      {404, error("NOT_FOUND", "Requested entity was not found."), Kind::retry, "FCM answered 404 NOT_FOUND"},
      {500, error("NOT_FOUND", "odd", fcmError("UNREGISTERED")), Kind::retry, "FCM answered 500",
       Scope::service},

      {400, error("INVALID_ARGUMENT", kBadToken, fcmError("INVALID_ARGUMENT")), Kind::targetGone,
       "FCM answered 400 INVALID_ARGUMENT"},
      {400,
       error("INVALID_ARGUMENT", "Request contains an invalid argument.",
             fcmError("INVALID_ARGUMENT") + ',' + badRequest("message.token")),
       Kind::targetGone, "FCM answered 400 INVALID_ARGUMENT"},
      {400,
       error("INVALID_ARGUMENT", "bad", badRequest("message.token") + ',' + fcmError("INVALID_ARGUMENT")),
       Kind::targetGone, "FCM answered 400"},
      {400, error("INVALID_ARGUMENT", "Invalid JSON payload received.", badRequest("message.android.ttl")),
       Kind::rejected, "FCM answered 400 INVALID_ARGUMENT"},
      {400, error("INVALID_ARGUMENT", "Invalid value at 'message.token'", badRequest("message.token")),
       Kind::rejected, "FCM answered 400 INVALID_ARGUMENT"},
      {400, error("INVALID_ARGUMENT", "Recipient of the message is not set.", fcmError("INVALID_ARGUMENT")),
       Kind::rejected, "FCM answered 400"},
      {400, error("INVALID_ARGUMENT", "Android message is too big", fcmError("INVALID_ARGUMENT")),
       Kind::rejected, "FCM answered 400"},
      {400, kHtml, Kind::rejected, "FCM answered 400"},

      {403, error("PERMISSION_DENIED", "SenderId mismatch", fcmError("SENDER_ID_MISMATCH")), Kind::targetGone,
       "FCM answered 403 PERMISSION_DENIED SENDER_ID_MISMATCH"},
      {403,
       error("PERMISSION_DENIED", "Permission 'cloudmessaging.messages.create' denied on resource 'x'",
             errorInfo("IAM_PERMISSION_DENIED")),
       Kind::misconfigured, "FCM answered 403 PERMISSION_DENIED IAM_PERMISSION_DENIED: the service account",
       Scope::service},
      {403, kHtml, Kind::misconfigured, "FCM answered 403: the service account", Scope::service},

      {401, error("UNAUTHENTICATED", "Auth error from APNS", fcmError("THIRD_PARTY_AUTH_ERROR")),
       Kind::misconfigured, "FCM answered 401 UNAUTHENTICATED THIRD_PARTY_AUTH_ERROR"},

      {429, error("RESOURCE_EXHAUSTED", "Quota exceeded.", fcmError("QUOTA_EXCEEDED")), Kind::retry,
       "FCM answered 429 RESOURCE_EXHAUSTED QUOTA_EXCEEDED"},
      {429, error("RESOURCE_EXHAUSTED", "Quota exceeded for quota metric", errorInfo("RATE_LIMIT_EXCEEDED")),
       Kind::retry, "FCM answered 429 RESOURCE_EXHAUSTED RATE_LIMIT_EXCEEDED", Scope::service},
      {429,
       error("RESOURCE_EXHAUSTED", "Quota exceeded.",
             fcmError("QUOTA_EXCEEDED") + ',' + errorInfo("RATE_LIMIT_EXCEEDED")),
       Kind::retry, "FCM answered 429 RESOURCE_EXHAUSTED QUOTA_EXCEEDED RATE_LIMIT_EXCEEDED", Scope::service},
      {429, error("RESOURCE_EXHAUSTED", "Device Message Rate Exceeded"), Kind::retry,
       "FCM answered 429 RESOURCE_EXHAUSTED"},
      {429, error("RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."), Kind::retry,
       "FCM answered 429 RESOURCE_EXHAUSTED", Scope::service},
      {429, kHtml, Kind::retry, "FCM answered 429", Scope::service},
      {429,
       error("RESOURCE_EXHAUSTED", "Quota exceeded.",
             fcmError("QUOTA_EXCEEDED") + ',' + quotaFailure("device:x", "Device message rate exceeded")),
       Kind::retry, "FCM answered 429 RESOURCE_EXHAUSTED QUOTA_EXCEEDED"},
      {429,
       error("RESOURCE_EXHAUSTED", "Quota exceeded.",
             fcmError("QUOTA_EXCEEDED") + ',' + quotaFailure("project:1", "Message rate exceeded")),
       Kind::retry, "FCM answered 429", Scope::service},

      {500, error("INTERNAL", "Internal error encountered.", fcmError("INTERNAL")), Kind::retry,
       "FCM answered 500 INTERNAL", Scope::service},
      {502, kHtml, Kind::retry, "FCM answered 502", Scope::service},
      {503, error("UNAVAILABLE", "The service is currently unavailable.", fcmError("UNAVAILABLE")),
       Kind::retry, "FCM answered 503 UNAVAILABLE", Scope::service},
      {504, "", Kind::retry, "FCM answered 504", Scope::service},
      {408, "", Kind::retry, "FCM answered 408"},
      {302, "", Kind::misconfigured, "FCM answered 302: a redirect", Scope::service},
      {413, "", Kind::rejected, "FCM answered 413"},
  };
  for (const auto& [status, body, kind, reason, scope] : cases) {
    CAPTURE(status, body);
    const Verdict verdict = classifyV1({status, body, {}});
    CHECK(verdict.outcome.kind == kind);
    CHECK(verdict.outcome.scope == scope);
    CHECK(verdict.outcome.reason.substr(0, reason.size()) == reason);
    CHECK(verdict.outcome.onlyIfOthersSucceed == (body.find("SENDER_ID_MISMATCH") != std::string::npos));
    CHECK_FALSE(verdict.accessTokenRefused);
  }
}

TEST_CASE("A refused access token is told apart from other refusals") {
  for (const std::string& body : {error("UNAUTHENTICATED", "Request had invalid authentication credentials."),
                                  error("UNAUTHENTICATED", "x", errorInfo("ACCESS_TOKEN_EXPIRED")), kHtml}) {
    const Verdict verdict = classifyV1({401, body, {}});
    CHECK(verdict.accessTokenRefused);
    CHECK(verdict.outcome.kind == Kind::misconfigured);
    CHECK(verdict.outcome.scope == Scope::service);
  }
}

TEST_CASE("FCM's wish for a pause is passed on, and a quota has one anyway") {
  CHECK(classifyV1({429, "", 7s}).outcome.retryAfter == 7s);
  CHECK(classifyV1({429, "", {}}).outcome.retryAfter == 60s);
  CHECK(classifyV1({503, "", 7s}).outcome.retryAfter == 7s);
  CHECK_FALSE(classifyV1({503, "", {}}).outcome.retryAfter);
  CHECK(classifyLegacy({200, R"({"failure":1,"results":[{"error":"Unavailable"}]})", 7s}).retryAfter == 7s);
  CHECK(classifyLegacy({429, "", {}}).retryAfter == 60s);
}

TEST_CASE("A reason never shows what FCM wrote in words") {
  const std::string secret = "token-that-must-not-be-shown";
  for (const int status : {200, 302, 400, 401, 403, 404, 429, 500}) {
    for (const std::string& body : {error(secret + "!", secret, fcmError(secret)),
                                    error("NOT_FOUND", secret, fcmError("X " + secret)), secret}) {
      CHECK(classifyV1({status, body, {}}).outcome.reason.find(secret) == std::string::npos);
    }
    const std::string legacy = R"({"failure":1,"results":[{"error":")" + secret + R"("}]})";
    CHECK(classifyLegacy({status, legacy, {}}).reason.find(secret) == std::string::npos);
  }
}

TEST_CASE("Bodies of any shape are judged by their status") {
  for (const char* body :
       {"null", "[]", "{}", R"({"error":5})", R"({"error":{"details":5}})",
        R"({"error":{"details":[5,null,{"@type":5},{"@type":"x.FcmError"}]}})",
        R"({"error":{"details":[{"@type":"x.BadRequest","fieldViolations":[5]}],"status":{}}})"}) {
    CAPTURE(body);
    CHECK(classifyV1({404, body, {}}).outcome.kind == Kind::retry);
    CHECK(classifyV1({400, body, {}}).outcome.kind == Kind::rejected);
    CHECK(classifyLegacy({200, body, {}}).kind == Kind::delivered);
  }
}

TEST_CASE("Answers of the legacy API are judged") {
  struct Case {
    int status;
    std::string body;
    Kind kind;
    Scope scope = Scope::target;
    bool onlyIfOthersSucceed = false;
  };
  const auto result = [](const std::string& code) {
    return R"({"multicast_id":1,"success":0,"failure":1,"canonical_ids":0,"results":[{"error":")" + code +
           "\"}]}";
  };
  const Case cases[] = {
      {200,
       R"({"multicast_id":1,"success":1,"failure":0,"canonical_ids":0,"results":[{"message_id":"0:1"}]})",
       Kind::delivered},
      {200, "", Kind::delivered},
      {200, result("NotRegistered"), Kind::targetGone},
      {200, result("InvalidRegistration"), Kind::targetGone},
      {200, result("MismatchSenderId"), Kind::targetGone, Scope::target, true},
      {200, result("Unavailable"), Kind::retry, Scope::service},
      {200, result("InternalServerError"), Kind::retry, Scope::service},
      {200, result("DeviceMessageRateExceeded"), Kind::retry},
      {200, result("InvalidApnsCredential"), Kind::misconfigured},
      {200, result("MessageTooBig"), Kind::rejected},
      {200, R"({"failure":1})", Kind::retry},
      {400, "Field \"to\" must be a JSON string", Kind::rejected},
      {401, kHtml, Kind::misconfigured, Scope::service},
      {403, "", Kind::misconfigured, Scope::service},
      {404, kHtml, Kind::retry},
      {429, "", Kind::retry, Scope::service},
      {500, "", Kind::retry, Scope::service},
      {503, kHtml, Kind::retry, Scope::service},
  };
  for (const auto& [status, body, kind, scope, onlyIfOthersSucceed] : cases) {
    CAPTURE(status, body);
    const auto outcome = classifyLegacy({status, body, {}});
    CHECK(outcome.kind == kind);
    CHECK(outcome.scope == scope);
    CHECK(outcome.onlyIfOthersSucceed == onlyIfOthersSucceed);
  }
}

TEST_CASE("A replacement of the token comes with the delivery") {
  const auto outcome = classifyLegacy(
      {200, R"({"success":1,"canonical_ids":1,"results":[{"message_id":"1","registration_id":"new"}]})", {}});
  CHECK(outcome.kind == Kind::delivered);
  REQUIRE(outcome.replacement);
  CHECK(outcome.replacement->value.reveal() == "new");
}
