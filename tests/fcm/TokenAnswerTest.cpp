#include "TestAccount.h"
#include "TokenAnswer.h"
#include "support/Catch.h"

using namespace std::chrono_literals;
using namespace p2::fcm;

namespace {

const auto kNow = std::chrono::system_clock::from_time_t(784111777);  // Sun, 06 Nov 1994 08:49:37 GMT

std::variant<Grant, Refusal> read(int status, const std::string& body, const std::string& retryAfter = {},
                                  const std::string& date = {}) {
  static const auto account = p2::test::account();
  return readTokenAnswer({status, body, retryAfter, date}, account, kNow);
}

std::string invalidGrant(const std::string& description) {
  return R"({"error":"invalid_grant","error_description":")" + description + R"("})";
}

const char* const kTimeframe =
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your "
    "iat and exp "
    "values in the JWT claim.";

}  // namespace

TEST_CASE("A granted token comes with the lifetime that the answer names") {
  struct Case {
    std::string body;
    std::chrono::seconds lifetime;
  };
  const Case cases[] = {
      {R"({"access_token":"ya29.c.x","expires_in":3599,"token_type":"Bearer"})", 3599s},
      {R"({"access_token":"ya29.c.x"})", 3600s},
      {R"({"access_token":"ya29.c.x","expires_in":0})", 1s},
      {R"({"access_token":"ya29.c.x","expires_in":99999999999})", 24h},
      {R"({"access_token":"ya29.c.x","expires_in":"soon"})", 3600s},
  };
  for (const auto& [body, lifetime] : cases) {
    CAPTURE(body);
    const auto answer = read(200, body);
    const auto* grant = std::get_if<Grant>(&answer);
    REQUIRE(grant != nullptr);
    CHECK(grant->token.reveal() == "ya29.c.x");
    CHECK(grant->lifetime == lifetime);
  }
}

TEST_CASE("What went wrong at the token endpoint is told in words") {
  struct Case {
    int status;
    std::string body, date;
    bool misconfigured;
    std::string says;
  };
  const Case cases[] = {
      {400, invalidGrant("Invalid JWT Signature."), "", true, "it was deleted or the file was altered"},
      {400, invalidGrant("Invalid grant: account not found"), "", true, "does not know the service account"},
      {400, invalidGrant(kTimeframe), "Sun, 06 Nov 1994 08:39:37 GMT", true,
       "clock is wrong: it is 10 minutes ahead"},
      {400, invalidGrant(kTimeframe), "Tue, 06 Nov 2018 08:49:37 GMT", true, "days behind"},
      {400, invalidGrant(kTimeframe), "", true, "this machine's clock is wrong; have it set by NTP"},
      {401, R"({"error":"invalid_client"})", "", true, "(401 invalid_client)"},
      {400, "<html>", "", false, "a network that wants a log-in (400)"},
      {403, R"({"error":"a <b> c"})", "", true, "(403)"},
      {404, "<html>", "", false, "has no token endpoint"},
      {403, "<html>", "", false, "has no token endpoint"},
      {511, "<html>", "", false, "(511)"},
      {302, "", "", false, "has no token endpoint"},
      {200, R"({"token_type":"Bearer"})", "", false, "without an access token"},
      {200, R"({"access_token":"a\r\nX: y"})", "", false, "without an access token"},
      {200, "", "", false, "without an access token"},
      {200, "<html>", "", false, "a network that wants a log-in (200)"},
      {429, "", "", false, "(429)"},
      {503, "<html>", "", false, "(503)"},
  };
  for (const auto& [status, body, date, misconfigured, says] : cases) {
    CAPTURE(status, body);
    const auto answer = read(status, body, "", date);
    const auto* refusal = std::get_if<Refusal>(&answer);
    REQUIRE(refusal != nullptr);
    CAPTURE(refusal->fault.text);
    CHECK(refusal->fault.misconfigured == misconfigured);
    CHECK(refusal->fault.text.starts_with("oauth2.googleapis.com "));
    CHECK(refusal->byClock == (says.find("clock") != std::string::npos || says == "days behind"));
    CHECK(refusal->fault.text.find(says) != std::string::npos);
  }
}

TEST_CASE("A token endpoint that is busy may say for how long") {
  const auto answer = read(503, "", "30");
  REQUIRE(std::holds_alternative<Refusal>(answer));
  CHECK(std::get<Refusal>(answer).retryAfter == 30s);
}
