#include "support/FcmAnswers.h"

#include "support/ContentOf.h"

#include <Poco/DateTimeFormat.h>
#include <Poco/DateTimeFormatter.h>
#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <Poco/Timestamp.h>

#include <algorithm>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace p2::test {

namespace {

using Kind = push::Outcome::Kind;
using Poco::JSON::Object;

const std::set<std::string>& members() {
  static const std::set<std::string> all{
      "name",  "api",        "status",      "headers",         "body",         "times",  "outcome",
      "scope", "retryAfter", "replacement", "ifOthersSucceed", "tokenRefused", "reason", "xmpp"};
  return all;
}

/// The value that a word stands for.
template <class Value>
Value valueOfWord(const std::string& word, const std::map<std::string, Value>& words) {
  const auto found = words.find(word);
  if (found == words.end()) throw std::runtime_error("there is no word " + word);
  return found->second;
}

/// The member, which a row may be without.
template <class Value>
Value memberOr(const Object& row, const std::string& member, const Value& otherwise) {
  return row.has(member) ? row.getValue<Value>(member) : otherwise;
}

Kind outcomeOf(const std::string& word) {
  return valueOfWord<Kind>(word, {{"delivered", Kind::delivered},
                                  {"targetGone", Kind::targetGone},
                                  {"retry", Kind::retry},
                                  {"rejected", Kind::rejected},
                                  {"misconfigured", Kind::misconfigured}});
}

FcmAnswer::Stanza stanzaOf(const std::string& word) {
  using Stanza = FcmAnswer::Stanza;
  return valueOfWord<Stanza>(
      word, {{"result", Stanza::result}, {"item-not-found", Stanza::itemNotFound}, {"wait", Stanza::wait}});
}

std::string bodyOf(const Object& row) {
  if (!row.has("body")) throw std::runtime_error("has no body");
  const auto body = row.get("body");
  std::ostringstream text;
  if (body.isString()) {
    text << body.extract<std::string>();
  } else {
    Poco::JSON::Stringifier::stringify(body, text);
  }
  const std::string once = text.str();
  std::string all;
  for (int times = memberOr(row, "times", 1); times > 0; --times) all += once;
  return all;
}

std::map<std::string, std::string> headersOf(const Object& row) {
  std::map<std::string, std::string> headers;
  if (!row.has("headers")) return headers;
  for (const auto& [name, value] : *row.getObject("headers")) headers[name] = value.extract<std::string>();
  return headers;
}

/// The members that every row has.
FcmAnswer withWhatAllHave(const Object& row) {
  FcmAnswer answer;
  answer.name = row.getValue<std::string>("name");
  answer.api = valueOfWord<FcmAnswer::Api>(row.getValue<std::string>("api"),
                                           {{"v1", FcmAnswer::Api::v1}, {"legacy", FcmAnswer::Api::legacy}});
  answer.status = row.getValue<int>("status");
  if (answer.status < 200 || answer.status > 599) throw std::runtime_error("no answer has that status");
  answer.body = bodyOf(row);
  answer.outcome = outcomeOf(row.getValue<std::string>("outcome"));
  answer.xmpp = stanzaOf(row.getValue<std::string>("xmpp"));
  if (answer.outcome != Kind::delivered) answer.reason = row.getValue<std::string>("reason");
  return answer;
}

FcmAnswer answerOf(const Object& row) {
  for (const auto& [member, value] : row) {
    if (members().count(member) == 0) throw std::runtime_error("there is no member " + member);
  }
  FcmAnswer answer = withWhatAllHave(row);
  answer.headers = headersOf(row);
  answer.scope = valueOfWord<push::Outcome::Scope>(
      memberOr<std::string>(row, "scope", "target"),
      {{"target", push::Outcome::Scope::target}, {"service", push::Outcome::Scope::service}});
  if (row.has("retryAfter")) answer.retryAfter = std::chrono::seconds(row.getValue<int>("retryAfter"));
  if (row.has("replacement")) answer.replacement = row.getValue<std::string>("replacement");
  answer.ifOthersSucceed = memberOr(row, "ifOthersSucceed", false);
  answer.tokenRefused = memberOr(row, "tokenRefused", false);
  return answer;
}

[[noreturn]] void refuse(const std::string& row, const std::string& why) {
  throw std::runtime_error("the table of FCM's answers, row " + row + ": " + why);
}

FcmAnswer rowOf(const Poco::JSON::Array& table, unsigned n) {
  const Object::Ptr row = table.getObject(n);
  if (!row) refuse(std::to_string(n), "is not an object");
  const std::string name = std::to_string(n) + ' ' + row->optValue<std::string>("name", "");
  try {
    return answerOf(*row);
  } catch (const Poco::Exception& error) {
    refuse(name, error.displayText());
  } catch (const std::runtime_error& error) {
    refuse(name, error.what());
  }
}

/// `{now+40}` and `{now-40}` become dates.
std::string datesIn(const std::string& value, std::chrono::system_clock::time_point now) {
  static const std::regex form(R"(\{now([+-]\d+)\})");
  std::smatch found;
  if (!std::regex_match(value, found, form)) return value;
  const auto time = std::chrono::system_clock::to_time_t(now + std::chrono::seconds(std::stoi(found[1])));
  return Poco::DateTimeFormatter::format(Poco::Timestamp::fromEpochTime(time),
                                         Poco::DateTimeFormat::HTTP_FORMAT);
}

}  // namespace

std::string FcmAnswer::headersAt(std::chrono::system_clock::time_point now) const {
  std::string lines;
  for (const auto& [header, value] : headers) lines += header + ": " + datesIn(value, now) + "\r\n";
  return lines;
}

std::string FcmAnswer::retryAfterAt(std::chrono::system_clock::time_point now) const {
  const auto found = headers.find("Retry-After");
  return found == headers.end() ? std::string() : datesIn(found->second, now);
}

std::vector<FcmAnswer> readFcmAnswers(const std::string& json) {
  Poco::JSON::Array::Ptr table;
  try {
    table = Poco::JSON::Parser().parse(json).extract<Poco::JSON::Array::Ptr>();
  } catch (const Poco::Exception& error) {
    throw std::runtime_error("the table of FCM's answers is not a list in JSON: " + error.displayText());
  }
  std::vector<FcmAnswer> answers;
  std::set<std::string> names;
  for (unsigned n = 0; n < table->size(); ++n) {
    answers.push_back(rowOf(*table, n));
    if (!names.insert(answers.back().name).second) refuse(answers.back().name, "the name is another's");
  }
  if (answers.empty()) throw std::runtime_error("the table of FCM's answers has no row");
  return answers;
}

const std::vector<FcmAnswer>& fcmAnswers() {
  static const auto all = readFcmAnswers(sourceOf("tests/data/fcm-answers.json"));
  return all;
}

const FcmAnswer& fcmAnswer(std::string_view name) {
  const auto& all = fcmAnswers();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const FcmAnswer& answer) { return answer.name == name; });
  if (found == all.end()) refuse(std::string(name), "there is none");
  return *found;
}

}  // namespace p2::test
