#include "p2/fcm/FcmCodec.h"

#include "Json.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <vector>

namespace p2::fcm {

using Kind = push::Outcome::Kind;
using Scope = push::Outcome::Scope;
using Poco::JSON::Object;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t kCollapseKeyLength = 6;
constexpr milliseconds kQuotaPause{60000};
constexpr std::string_view kInvalidToken = "The registration token is not a valid FCM registration token";

bool isHigh(const push::Message& message, const MessageSettings& settings) {
  return settings.priority == MessageSettings::Priority::high ||
         (settings.priority == MessageSettings::Priority::automatic && message.isImportant);
}

/// Of the channel if there is one: an account's own messages do not replace those of its channels.
std::string collapseKey(const push::Message& message) {
  return (message.channel.empty() ? message.account : message.channel).substr(0, kCollapseKeyLength);
}

/// Appends `"key":` after what is there already.
void appendKey(std::string& out, std::string_view key) {
  if (out.back() != '{') out += ',';
  appendString(out, key);
  out += ':';
}

void appendMember(std::string& out, std::string_view key, std::string_view value) {
  appendKey(out, key);
  appendString(out, value);
}

void appendData(std::string& out, const push::Message& message) {
  appendKey(out, "data");
  out += '{';
  appendMember(out, "account", message.account);
  if (!message.channel.empty()) appendMember(out, "channel", message.channel);
  out += '}';
}

/// What the `error` of an answer says.
struct ErrorDetails {
  std::string status;
  std::string fcmCode;
  std::string infoReason;
  bool invalidToken = false;
  bool deviceQuota = false;
  bool projectQuota = false;

  std::string codes() const {
    std::string text;
    for (const std::string& code : {status, fcmCode, infoReason}) {
      if (!code.empty() && !text.ends_with(' ' + code)) text += ' ' + code;
    }
    return text;
  }
};

std::string codeAt(const Object::Ptr& object, const std::string& key) {
  std::string code = stringAt(object, key);
  return isCode(code) ? code : std::string();
}

/// Whether one of the objects in `object[list]` satisfies `test`.
template <class Test>
bool anyOf(const Object::Ptr& object, const std::string& list, Test test) {
  const auto array = arrayAt(object, list);
  for (unsigned n = 0; array && n < array->size(); ++n) {
    if (const Object::Ptr entry = array->getObject(n); entry && test(entry)) return true;
  }
  return false;
}

bool hasWord(std::string text, std::string_view word) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text.find(word) != std::string::npos;
}

/// Whether a QuotaFailure is one of this, `device` or `project`.
bool violatesQuotaOf(std::string_view whom, const Object::Ptr& failure) {
  return anyOf(failure, "violations", [whom](const Object::Ptr& violation) {
    return hasWord(stringAt(violation, "subject") + ' ' + stringAt(violation, "description"), whom);
  });
}

bool namesTarget(const Object::Ptr& violation) {
  const std::string field = stringAt(violation, "field");
  return field == "message.token" || field == "message.fid";
}

ErrorDetails readError(const std::string& body) {
  const Object::Ptr error = objectAt(parseObject(body), "error");
  ErrorDetails details;
  details.status = codeAt(error, "status");
  const std::string message = stringAt(error, "message");
  details.invalidToken = message.find(kInvalidToken) != std::string::npos;
  details.deviceQuota = hasWord(message, "device message rate");
  anyOf(error, "details", [&](const Object::Ptr& entry) {
    const std::string type = stringAt(entry, "@type");
    if (type.ends_with(".FcmError")) details.fcmCode = codeAt(entry, "errorCode");
    if (type.ends_with(".ErrorInfo")) details.infoReason = codeAt(entry, "reason");
    if (type.ends_with(".BadRequest") && anyOf(entry, "fieldViolations", namesTarget))
      details.invalidToken = true;
    if (type.ends_with(".QuotaFailure")) {
      details.deviceQuota = details.deviceQuota || violatesQuotaOf("device", entry);
      details.projectQuota = details.projectQuota || violatesQuotaOf("project", entry);
    }
    return false;
  });
  return details;
}

push::Outcome outcome(Kind kind, std::string reason) {
  push::Outcome made;
  made.kind = kind;
  made.reason = std::move(reason);
  return made;
}

/// A quota of the project's is everybody's business, one of a single target is not.
push::Outcome quotaExceeded(const Answer& answer, std::string reason, Scope scope) {
  auto made = outcome(Kind::retry, std::move(reason));
  made.retryAfter = answer.retryAfter.value_or(kQuotaPause);
  made.scope = scope;
  return made;
}

/// Google documents QUOTA_EXCEEDED as the limit of one target; that of the project comes as an ErrorInfo
/// (RATE_LIMIT_EXCEEDED), and what says neither is taken for the project's.
Scope quotaScope(const ErrorDetails& error) {
  if (!error.infoReason.empty()) return Scope::service;
  if (error.deviceQuota) return Scope::target;
  return error.fcmCode == "QUOTA_EXCEEDED" && !error.projectQuota ? Scope::target : Scope::service;
}

push::Outcome serverError(const Answer& answer, std::string reason) {
  auto made = outcome(Kind::retry, std::move(reason));
  made.retryAfter = answer.retryAfter;
  made.scope = Scope::service;
  return made;
}

/// Our credentials or permissions: all messages fare alike.
push::Outcome refused(std::string reason) {
  auto made = outcome(Kind::misconfigured, std::move(reason));
  made.scope = Scope::service;
  return made;
}

/// What FCM has taken is not sent again for an answer that is empty, cut off or odd at its end. A page is not
/// FCM's, and says nothing of a delivery.
push::Outcome delivered(const Answer& answer, const std::string& reason) {
  if (!isOtherThanObject(answer.body)) return outcome(Kind::delivered, {});
  return refused(reason +
                 ", but not as FCM does: something on the way answers in its place, such as a proxy or a "
                 "network that wants a log-in; check fcm.endpoint and fcm.proxy");
}

push::Outcome otherProject(std::string reason) {
  auto made = outcome(Kind::targetGone, std::move(reason));
  made.onlyIfOthersSucceed = true;
  return made;
}

/// What both APIs share: the statuses that need no look into the body.
push::Outcome classifyStatus(const Answer& answer, const std::string& reason) {
  if (answer.status >= 200 && answer.status < 300) return delivered(answer, reason);
  if (answer.status == 429) return quotaExceeded(answer, reason, Scope::service);
  if (answer.status >= 500) return serverError(answer, reason);
  if (answer.status == 404) {
    return outcome(Kind::retry,
                   reason + ": nothing is there; check fcm.endpoint and the project if it persists");
  }
  if (answer.status == 408) return outcome(Kind::retry, reason);
  if (answer.status < 400) return refused(reason + ": a redirect; correct fcm.endpoint");
  return outcome(Kind::rejected, reason);
}

push::Outcome classifyLegacyError(const Answer& answer, const std::string& error) {
  const std::string reason = "FCM answered " + (isCode(error) ? error : std::string("an unknown error"));
  if (error == "NotRegistered" || error == "InvalidRegistration") return outcome(Kind::targetGone, reason);
  if (error == "MismatchSenderId") return otherProject(reason);
  if (error == "DeviceMessageRateExceeded") return quotaExceeded(answer, reason, Scope::target);
  if (error == "Unavailable" || error == "InternalServerError") return serverError(answer, reason);
  if (error == "InvalidApnsCredential") return outcome(Kind::misconfigured, reason);
  return outcome(Kind::rejected, reason);
}

/// Whether one of several results is a failure.
bool anyError(const Poco::JSON::Array::Ptr& results) {
  if (!results) return false;
  for (std::size_t i = 0; i < results->size(); ++i) {
    const auto result = results->getObject(static_cast<unsigned>(i));
    if (result && result->has("error")) return true;
  }
  return false;
}

}  // namespace

std::string encodeV1(const push::Message& message, const MessageSettings& settings) {
  std::string out = "{\"message\":{";
  const bool byToken = message.target.kind == core::Target::Kind::registrationToken;
  appendMember(out, byToken ? "token" : "fid", message.target.value.reveal());
  appendData(out, message);
  appendKey(out, "android");
  out += '{';
  appendMember(out, "priority", isHigh(message, settings) ? "HIGH" : "NORMAL");
  if (settings.collapse) appendMember(out, "collapse_key", collapseKey(message));
  if (settings.ttl) appendMember(out, "ttl", std::to_string(settings.ttl->count()) + 's');
  out += "}}";
  if (settings.validateOnly) out += ",\"validate_only\":true";
  return out + '}';
}

std::string encodeLegacy(const push::Message& message, const MessageSettings& settings) {
  std::string out = "{";
  appendMember(out, "to", message.target.value.reveal());
  if (isHigh(message, settings)) appendMember(out, "priority", "high");
  if (settings.collapse) appendMember(out, "collapse_key", collapseKey(message));
  if (settings.ttl) out += ",\"time_to_live\":" + std::to_string(settings.ttl->count());
  if (settings.validateOnly) out += ",\"dry_run\":true";
  appendData(out, message);
  return out + '}';
}

Verdict classifyV1(const Answer& answer) {
  if (answer.status == 200) return {classifyStatus(answer, "FCM answered 200")};
  const ErrorDetails error = readError(answer.body);
  const std::string reason = "FCM answered " + std::to_string(answer.status) + error.codes();
  switch (answer.status) {
    case 400:
      if (error.fcmCode == "INVALID_ARGUMENT" && error.invalidToken)
        return {outcome(Kind::targetGone, reason)};
      return {outcome(Kind::rejected, reason)};
    case 401:
      if (error.fcmCode == "THIRD_PARTY_AUTH_ERROR") return {outcome(Kind::misconfigured, reason)};
      return {refused(reason + ": the access token is refused"), true};
    case 403:
      if (error.fcmCode == "SENDER_ID_MISMATCH") return {otherProject(reason)};
      return {refused(reason +
                      ": the service account may not send; give it the role Firebase Cloud Messaging API "
                      "Admin and enable that API for the project")};
    case 404:
      if (error.fcmCode == "UNREGISTERED") return {outcome(Kind::targetGone, reason)};
      return {classifyStatus(answer, reason)};
    case 429:
      return {quotaExceeded(answer, reason, quotaScope(error))};
    default:
      return {classifyStatus(answer, reason)};
  }
}

push::Outcome classifyLegacy(const Answer& answer) {
  const std::string reason = "FCM answered " + std::to_string(answer.status);
  if (answer.status == 401 || answer.status == 403) {
    return refused(reason + ": fcm.authKey is refused");
  }
  if (answer.status != 200 || isOtherThanObject(answer.body)) return classifyStatus(answer, reason);

  const Object::Ptr root = parseObject(answer.body);
  const auto results = arrayAt(root, "results");
  // A message has one target: which of several results is its own, nobody knows.
  const Object::Ptr result = results && results->size() == 1 ? results->getObject(0) : Object::Ptr();
  if (result && result->has("error")) return classifyLegacyError(answer, stringAt(result, "error"));
  if (numberAt(root, "failure", 0) > 0 || anyError(results))
    return outcome(Kind::retry, reason + " and a failure without its reason");
  auto made = outcome(Kind::delivered, {});
  if (std::string token = stringAt(result, "registration_id"); !token.empty()) {
    made.replacement = core::Target{core::Target::Kind::registrationToken, core::Secret(std::move(token))};
  }
  return made;
}

}  // namespace p2::fcm
