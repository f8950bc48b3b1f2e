// Input: read as the head of an answer; then, independently, as a line with an HTTP status and, behind a
// space, a Retry-After header; then the answer's body.

#include "Fuzz.h"
#include "ResponseHead.h"
#include "TokenAnswer.h"
#include "p2/fcm/FcmCodec.h"
#include "p2/http/HttpDate.h"
#include "p2/http/RetryAfter.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <variant>

using namespace std::chrono_literals;
using p2::push::Outcome;
using p2::test::require;
namespace fcm = p2::fcm;

namespace {

const auto kNow = std::chrono::system_clock::from_time_t(784111777);  // Sun, 06 Nov 1994 08:49:37 GMT

void checkReason(const std::string& reason) {
  require(reason.size() < 1000, "a reason is bounded");
  require(std::all_of(reason.begin(), reason.end(), [](char c) { return c >= ' ' && c <= '~'; }),
          "a reason is fit for a log");
}

void checkOutcome(const fcm::Answer& answer, const Outcome& outcome) {
  checkReason(outcome.reason);
  if (answer.status < 200 || answer.status >= 300) {
    require(outcome.kind != Outcome::Kind::delivered, "only success is a delivery");
  }
  if (outcome.kind == Outcome::Kind::targetGone) {
    require(answer.status < 500 && answer.status != 401 && answer.status != 429,
            "a fault of theirs or of our credentials removes no registration");
  }
  if (outcome.replacement) require(!outcome.replacement->value.empty(), "a replacement is not empty");
}

void checkTokenAnswer(const p2::http::Response& response) {
  static const fcm::ServiceAccount account{
      "project", "key", {}, "p2@project.invalid", "https://localhost/token", {}};
  const auto answer = fcm::readTokenAnswer(response, account, kNow);
  if (const auto* grant = std::get_if<fcm::Grant>(&answer)) {
    require(response.status == 200 && !grant->token.empty(), "a token is granted with success only");
    require(grant->lifetime >= 1s && grant->lifetime <= 24h, "a token's lifetime is bounded");
  } else {
    require(!std::get<fcm::Refusal>(answer).fault.text.empty(), "a refusal says why");
  }
}

void checkHead(std::string_view text) {
  const auto head = p2::http::ResponseHead::parse(text);
  if (!head) return;
  require(head->status >= 100 && head->status <= 999, "a status has three digits");
  require(!head->chunked || !head->length, "a body's end is told in one way");
  require(head->retryAfter.find('\n') == std::string::npos, "a field is a line");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = p2::test::textOf(data, size);
  checkHead(input);
  const std::size_t end = std::min(input.find('\n'), input.size());
  const std::string line(input.substr(0, end));
  const std::string body(input.substr(std::min(end + 1, input.size())));
  const std::size_t space = std::min(line.find(' '), line.size());
  const int status = std::abs(std::atoi(line.substr(0, std::min<std::size_t>(space, 3)).c_str()));
  const std::string header = line.substr(std::min(space + 1, line.size()));

  const auto retryAfter = p2::http::parseRetryAfter(header, kNow);
  if (retryAfter)
    require(*retryAfter >= 0ms && *retryAfter <= p2::http::kMostRetryAfter, "a wait is bounded");
  static_cast<void>(p2::http::parseHttpDate(header));
  const fcm::Answer answer{status, body, retryAfter};
  const auto verdict = fcm::classifyV1(answer);
  checkOutcome(answer, verdict.outcome);
  require(!verdict.accessTokenRefused || status == 401, "only 401 refuses the access token");
  checkOutcome(answer, fcm::classifyLegacy(answer));
  checkTokenAnswer({status, body, header, header});
  return 0;
}
