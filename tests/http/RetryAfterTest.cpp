#include "p2/http/RetryAfter.h"
#include "support/Catch.h"

using namespace std::chrono_literals;
using p2::http::parseRetryAfter;

TEST_CASE("Retry-After is read as seconds and as a date, and cut to an hour") {
  const auto now = std::chrono::system_clock::from_time_t(784111777);  // Sun, 06 Nov 1994 08:49:37 GMT
  const std::pair<std::string, std::optional<std::chrono::milliseconds>> cases[] = {
      {"0", 0ms},
      {"120", 120s},
      {" 7\t", 7s},
      {"3600", 1h},
      {"3601", 1h},
      {"99999999999999999999999", 1h},
      {"Sun, 06 Nov 1994 08:50:37 GMT", 1min},
      {"Sunday, 06-Nov-94 08:50:37 GMT", 1min},
      {"Sun, 06 Nov 1994 08:49:00 GMT", 0ms},
      {"Mon, 07 Nov 1994 08:49:37 GMT", 1h},
      {"", std::nullopt},
      {" ", std::nullopt},
      {"-1", std::nullopt},
      {"1.5", std::nullopt},
      {"60s", std::nullopt},
      {"soon", std::nullopt},
      {"Sun, 99 Nov 1994 08:50:37 GMT", std::nullopt},
  };
  for (const auto& [value, expected] : cases) {
    CAPTURE(value);
    CHECK(parseRetryAfter(value, now) == expected);
  }
}
