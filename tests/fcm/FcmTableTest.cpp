#include "support/Catch.h"
#include "support/FcmAnswers.h"

#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using p2::test::FcmAnswer;
using p2::test::fcmAnswer;
using p2::test::readFcmAnswers;

namespace {

const std::string kRow = R"({"name":"a","api":"v1","status":503,"body":{"b":[1]},"outcome":"retry",)"
                         R"("reason":"r","xmpp":"wait"})";

/// The row, with `what` in it written as `with`.
std::string rowWith(const std::string& what, const std::string& with) {
  std::string row = kRow;
  return row.replace(row.find(what), what.size(), with);
}

std::string whyRefused(const std::string& table) {
  try {
    readFcmAnswers(table);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "it is not refused";
}

}  // namespace

TEST_CASE("A table of FCM's answers gives its rows") {
  const auto rows =
      readFcmAnswers('[' + kRow + ',' +
                     R"({"name":"b","api":"legacy","status":200,"body":"xy","times":3,)"
                     R"("headers":{"A":"1","Retry-After":"{now+40}"},"outcome":"delivered",)"
                     R"("scope":"service","retryAfter":7,"replacement":"n","tokenRefused":true,)"
                     R"("ifOthersSucceed":true,"xmpp":"result"}])");
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].body == R"({"b":[1]})");
  CHECK(rows[0].outcome == p2::push::Outcome::Kind::retry);
  CHECK(rows[0].reason == "r");
  CHECK(rows[0].headersAt({}).empty());
  CHECK(rows[0].xmpp == FcmAnswer::Stanza::wait);
  CHECK(rows[1].api == FcmAnswer::Api::legacy);
  CHECK(rows[1].body == "xyxyxy");
  CHECK(rows[1].scope == p2::push::Outcome::Scope::service);
  CHECK(rows[1].retryAfter == 7s);
  CHECK(rows[1].replacement == "n");
  CHECK((rows[1].tokenRefused && rows[1].ifOthersSucceed));
  const std::string date = "Thu, 01 Jan 1970 00:01:40 GMT";
  CHECK(rows[1].retryAfterAt(std::chrono::system_clock::from_time_t(60)) == date);
  CHECK(rows[1].headersAt(std::chrono::system_clock::from_time_t(60)) ==
        "A: 1\r\nRetry-After: " + date + "\r\n");
}

TEST_CASE("A table of FCM's answers with a fault is refused, and the row is named") {
  for (const auto& [what, with] : {std::pair<const char*, const char*>{"retry", "retri"},
                                   {R"("v1")", R"("v2")"},
                                   {"wait", "await"},
                                   {"503", "600"},
                                   {"503", R"("many")"},
                                   {R"("status":503,)", ""},
                                   {R"("body":{"b":[1]},)", ""},
                                   {R"("reason":"r",)", ""},
                                   {R"("reason":"r")", R"("reason":"r","scope":"all")"},
                                   {R"("reason":"r")", R"("reason":"r","times":"x")"},
                                   {R"("reason":"r")", R"("reason":"r","resaon":"r")"},
                                   {R"("reason":"r")", R"("reason":"r","headers":5)"}}) {
    CAPTURE(what, with);
    CHECK_THAT(whyRefused('[' + rowWith(what, with) + ']'), ContainsSubstring("row 0 a: "));
  }
  CHECK_THAT(whyRefused('[' + kRow + ',' + kRow + ']'), ContainsSubstring("row a: the name is another's"));
  CHECK_THAT(whyRefused('[' + kRow + ",5]"), ContainsSubstring("row 1: is not an object"));
  for (const char* table : {"", "[", "{}", "[]"}) {
    CHECK_THAT(whyRefused(table), ContainsSubstring("the table of FCM's answers "));
  }
  CHECK_THROWS_AS(fcmAnswer("no such row"), std::runtime_error);
}
