#pragma once

#include "p2/push/Outcome.h"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What FCM answers and what p2 makes of it: the one table of all tests, tests/data/fcm-answers.json. The
/// tests of the codec and of the sender, those that go all the way to the stanza, the stand-in for FCM with
/// its scenarios, and the fuzz target read it.
namespace p2::test {

/// A row of the table. A value.
struct FcmAnswer {
  enum class Api { v1, legacy };
  enum class Stanza { result, itemNotFound, wait };

  /// The headers as they are sent at that moment, each with its end of line. `{now+40}` in the table stands
  /// for the HTTP date of 40 seconds later.
  std::string headersAt(std::chrono::system_clock::time_point now) const;
  /// The value of Retry-After in it; empty if there is none.
  std::string retryAfterAt(std::chrono::system_clock::time_point now) const;

  std::string name;
  Api api = Api::v1;
  int status = 0;  ///< 200 to 599.
  std::map<std::string, std::string>
      headers;       ///< Beside those that say how long and of which type the body is.
  std::string body;  ///< In the table a string, or JSON; `times`: repeated so often.
  push::Outcome::Kind outcome = push::Outcome::Kind::retry;
  push::Outcome::Scope scope = push::Outcome::Scope::target;
  std::optional<std::chrono::seconds> retryAfter;  ///< The pause that the outcome asks for.
  std::optional<std::string> replacement;          ///< Of the target.
  bool ifOthersSucceed = false;                    ///< The verdict counts only then.
  bool tokenRefused = false;                       ///< It is the access token that FCM refuses.
  std::string reason;                              ///< What the operator is told; empty for a delivery.
  Stanza xmpp = Stanza::wait;                      ///< What the server is answered, if others succeed.
};

/// All rows of such a table. Throws std::runtime_error, which names the row, if there is a member or a word
/// that is not known, a member too few, a name that comes twice, or no row at all.
std::vector<FcmAnswer> readFcmAnswers(const std::string& json);

/// The rows of the project's table, read once. Throws as readFcmAnswers() does.
const std::vector<FcmAnswer>& fcmAnswers();
/// The row of that name. Throws std::runtime_error if there is none.
const FcmAnswer& fcmAnswer(std::string_view name);

}  // namespace p2::test
