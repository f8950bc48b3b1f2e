#include "p2/fcm/FcmCodec.h"
#include "p2/http/RetryAfter.h"
#include "support/Catch.h"
#include "support/FcmAnswers.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <string>

using namespace std::chrono_literals;
using namespace p2::fcm;
using p2::core::Secret;
using p2::core::Target;
using p2::push::Message;
using p2::test::FcmAnswer;
using Kind = p2::push::Outcome::Kind;
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

/// As the sender hands it on.
Answer answerOf(const FcmAnswer& row) {
  const auto now = std::chrono::system_clock::from_time_t(784111777);  // HTTP's dates are whole seconds
  return {row.status, row.body, p2::http::parseRetryAfter(row.retryAfterAt(now), now)};
}

Verdict judged(FcmAnswer::Api api, const Answer& answer) {
  return api == FcmAnswer::Api::v1 ? classifyV1(answer) : Verdict{classifyLegacy(answer)};
}

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

TEST_CASE("Each answer of FCM is judged as the table has it") {
  for (const auto& row : p2::test::fcmAnswers()) {
    CAPTURE(row.name);
    const auto [outcome, accessTokenRefused] = judged(row.api, answerOf(row));
    CHECK(outcome.kind == row.outcome);
    CHECK(outcome.scope == row.scope);
    CHECK(outcome.reason == row.reason);
    CHECK(outcome.retryAfter == row.retryAfter);
    CHECK(outcome.onlyIfOthersSucceed == row.ifOthersSucceed);
    CHECK(outcome.replacement.has_value() == row.replacement.has_value());
    if (outcome.replacement) CHECK(outcome.replacement->value.reveal() == row.replacement);
    CHECK(accessTokenRefused == row.tokenRefused);
  }
}

TEST_CASE("The table has each error that FCM documents") {
  using Api = FcmAnswer::Api;
  const auto has = [](Api api, const std::string& code) {
    const auto& rows = p2::test::fcmAnswers();
    return std::any_of(rows.begin(), rows.end(), [&](const FcmAnswer& row) {
      return row.api == api && row.body.find(':' + code) != std::string::npos;
    });
  };
  for (const std::string code :
       {"UNSPECIFIED_ERROR", "INVALID_ARGUMENT", "UNREGISTERED", "SENDER_ID_MISMATCH", "QUOTA_EXCEEDED",
        "UNAVAILABLE", "INTERNAL", "THIRD_PARTY_AUTH_ERROR"}) {
    CAPTURE(code);
    CHECK(has(Api::v1, '"' + code + '"'));
  }
  for (const std::string code :
       {"MissingRegistration", "InvalidRegistration", "NotRegistered", "InvalidPackageName",
        "MismatchSenderId", "InvalidParameters", "MessageTooBig", "InvalidDataKey", "InvalidTtl",
        "Unavailable", "InternalServerError", "DeviceMessageRateExceeded", "TopicsMessageRateExceeded",
        "InvalidApnsCredential"}) {
    CAPTURE(code);
    CHECK(has(Api::legacy, '"' + code + '"'));
  }
}

TEST_CASE("No body makes a verdict on a target, or a delivery, of a status that is none") {
  const auto maySpeakOfTarget = [](FcmAnswer::Api api, int status) {
    return api == FcmAnswer::Api::v1 ? status == 400 || status == 403 || status == 404 : status == 200;
  };
  std::set<int> statuses;
  for (const auto& row : p2::test::fcmAnswers()) statuses.insert(row.status);
  for (const auto& row : p2::test::fcmAnswers()) {
    for (const int status : statuses) {
      CAPTURE(row.name, status);
      for (const auto api : {FcmAnswer::Api::v1, FcmAnswer::Api::legacy}) {
        const auto kind = judged(api, {status, row.body, {}}).outcome.kind;
        if (kind == Kind::targetGone) CHECK(maySpeakOfTarget(api, status));
        if (kind == Kind::delivered) CHECK(status < 300);
      }
    }
  }
}

TEST_CASE("A reason never shows what FCM wrote in words") {
  const std::string secret = "token-that-must-not-be-shown";
  for (const int status : {200, 302, 400, 401, 403, 404, 429, 500}) {
    for (const std::string& body :
         {R"({"error":{"status":")" + secret + R"(!","message":")" + secret + R"("}})",
          R"({"error":{"details":[{"@type":"x.FcmError","errorCode":"X )" + secret + R"("}]}})", secret}) {
      CHECK(classifyV1({status, body, {}}).outcome.reason.find(secret) == std::string::npos);
    }
    const std::string legacy = R"({"failure":1,"results":[{"error":")" + secret + R"("}]})";
    CHECK(classifyLegacy({status, legacy, {}}).reason.find(secret) == std::string::npos);
  }
}

TEST_CASE(
    "Bodies of any shape are judged by their status, and those of success by whether they are an object") {
  for (const auto& row : p2::test::fcmAnswers()) {
    if (!row.name.starts_with("shape_")) continue;
    CAPTURE(row.name);
    CHECK(classifyV1({404, row.body, {}}).outcome.kind == Kind::retry);
    CHECK(classifyV1({400, row.body, {}}).outcome.kind == Kind::rejected);
    const auto success = row.body.starts_with('{') ? Kind::delivered : Kind::misconfigured;
    CHECK(classifyV1({200, row.body, {}}).outcome.kind == success);
    CHECK(classifyLegacy({200, row.body, {}}).kind == success);
  }
}
