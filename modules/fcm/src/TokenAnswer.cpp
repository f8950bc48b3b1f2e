#include "TokenAnswer.h"

#include "Json.h"
#include "p2/http/HttpDate.h"
#include "p2/http/RetryAfter.h"

#include <algorithm>

namespace p2::fcm {

namespace {

using SystemTime = std::chrono::system_clock::time_point;

constexpr long long kUsualLifetime = 3600;
constexpr long long kLongestLifetime = 24 * 3600;
constexpr const char* kNewKeyFile =
    "; get a new key in the Firebase console under Project settings, Service accounts, Generate new private "
    "key, and put it where fcm.serviceAccountFile names it.";

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// It goes into a header.
bool isToken(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

std::string duration(std::chrono::seconds length) {
  if (length < std::chrono::minutes{2}) return std::to_string(length.count()) + " seconds";
  if (length < std::chrono::hours{2}) return std::to_string(length.count() / 60) + " minutes";
  if (length < std::chrono::hours{48}) return std::to_string(length.count() / 3600) + " hours";
  return std::to_string(length.count() / 86400) + " days";
}

std::string describeClock(const http::Response& response, const std::string& host, SystemTime now) {
  const auto theirs = http::parseHttpDate(response.date);
  std::string text = host + " refused the service account because this machine's clock is wrong";
  if (theirs) {
    const auto ahead = std::chrono::duration_cast<std::chrono::seconds>(now - *theirs);
    text += ": it is " + duration(std::chrono::abs(ahead)) + (ahead.count() > 0 ? " ahead" : " behind");
  }
  return text + "; have it set by NTP (timedatectl set-ntp true).";
}

std::string describeNoEndpoint(const http::Response& response, const std::string& host) {
  return host +
         " has no token endpoint at the service account's token_uri, or something on the way answers in "
         "its place, such as a proxy or a network that wants a log-in (" +
         std::to_string(response.status) + "); see what https://" + host + " shows from this machine.";
}

std::string describeRefused(const http::Response& response, const std::string& host,
                            const std::string& error) {
  const std::string code = isCode(error) ? " " + error : "";
  return host + " refused the service account (" + std::to_string(response.status) + code +
         "); check in the Google Cloud console that it is enabled, or give another key file in "
         "fcm.serviceAccountFile.";
}

Refusal judgeRefusal(const http::Response& response, const ServiceAccount& account, SystemTime now) {
  const std::string& host = account.tokenUrl.host;
  const auto root = parseObject(response.body);
  const std::string error = stringAt(root, "error");
  const std::string description = stringAt(root, "error_description");
  if (contains(description, "reasonable timeframe")) {
    return {{describeClock(response, host, now), true}, {}, true};
  }
  if (contains(description, "Invalid JWT Signature")) {
    return {{host + " no longer accepts the service account's key: it was deleted or the file was altered" +
                 kNewKeyFile,
             true},
            {}};
  }
  if (contains(description, "account not found")) {
    return {{host + " does not know the service account: it was deleted" + kNewKeyFile, true}, {}};
  }
  if (error.empty()) {
    // A network that wants a log-in first answers so, and is in order a moment later.
    return {{describeNoEndpoint(response, host), false}, {}};
  }
  return {{describeRefused(response, host, error), true}, {}};
}

}  // namespace

std::variant<Grant, Refusal> readTokenAnswer(const http::Response& response, const ServiceAccount& account,
                                             SystemTime now) {
  const std::string& host = account.tokenUrl.host;
  if (response.status == 200) {
    if (isOtherThanObject(response.body)) return Refusal{{describeNoEndpoint(response, host), false}, {}};
    const auto root = parseObject(response.body);
    std::string token = stringAt(root, "access_token");
    if (!isToken(token)) return Refusal{{host + " answered without an access token.", false}, {}};
    const auto seconds = numberAt(root, "expires_in", kUsualLifetime);
    return Grant{core::Secret(std::move(token)),
                 std::chrono::seconds{std::clamp(seconds, 1LL, kLongestLifetime)}};
  }
  const bool passing = response.status >= 500 || response.status == 429 || response.status == 408;
  if (passing) {
    return Refusal{
        {host + " cannot give an access token now (" + std::to_string(response.status) + ").", false},
        http::parseRetryAfter(response.retryAfter, now)};
  }
  return judgeRefusal(response, account, now);
}

}  // namespace p2::fcm
