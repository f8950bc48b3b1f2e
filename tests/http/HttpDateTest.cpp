#include "p2/http/HttpDate.h"
#include "support/Catch.h"

using p2::http::parseHttpDate;
using std::chrono::system_clock;

TEST_CASE("The three forms of an HTTP date give the same moment") {
  // The example of RFC 9110 §5.6.7.
  for (const char* text :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}) {
    CAPTURE(text);
    const auto date = parseHttpDate(text);
    REQUIRE(date);
    CHECK(system_clock::to_time_t(*date) == 784111777);
  }
}

TEST_CASE("What is not an HTTP date gives nothing") {
  for (const char* text :
       {"", "120", "yesterday", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 GMT+1",
        "Sun, 06 Nov 1994", "Sun Nov  6 08:49:37 1494", "Sun Nov  6 08:49:37 2494",
        "Sun, 31 Feb 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"}) {
    CAPTURE(text);
    CHECK_FALSE(parseHttpDate(text));
  }
}
