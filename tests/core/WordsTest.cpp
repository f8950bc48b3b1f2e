#include "p2/core/Words.h"
#include "support/Catch.h"

#include <chrono>
#include <cstdint>

using namespace p2::core;
using namespace std::chrono_literals;

TEST_CASE("Long numbers are grouped") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1000) == "1,000");
  CHECK(grouped(1234567) == "1,234,567");
}

TEST_CASE("Durations are told in their two largest units") {
  CHECK(inWords(0s) == "0 s");
  CHECK(inWords(59s) == "59 s");
  CHECK(inWords(60s) == "1 min");
  CHECK(inWords(3601s) == "1 h");
  CHECK(inWords(90061s) == "1 d 1 h");
  CHECK(inWords(-5s) == "0 s");
}

TEST_CASE("Times are written and read to the second") {
  for (const std::int64_t seconds :
       {0LL, 951782399LL, 1709164800LL, 4102444799LL, -1LL, 253402300799LL, -62135596800LL}) {
    const std::chrono::sys_seconds time{std::chrono::seconds(seconds)};
    const auto read = parseIsoTime(isoTime(time));
    REQUIRE(read);
    CHECK(*read == time);
  }
  for (const char* text : {"", "2024-01-01", "2024-13-01T00:00:00Z", "2023-02-29T00:00:00Z",
                           "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z", "2024-01-01T00:00:60Z",
                           "2024-01-01 00:00:00Z", "2024-01-01T00:00:0xZ", "2024-01-01T00:00:00ZZ"}) {
    CHECK_FALSE(parseIsoTime(text));
  }
}

TEST_CASE("A sentence gets its full stop, or loses it to go on") {
  CHECK(withStop("done") == "done.");
  CHECK(withStop("done.") == "done.");
  CHECK(withStop("done?") == "done?");
  CHECK(withStop("") == ".");
  CHECK(withoutStop("done.") == "done");
  CHECK(withoutStop("done") == "done");
  CHECK(withoutStop("").empty());
}

TEST_CASE("Behind a colon a sentence begins small, and a name as it is written") {
  CHECK(afterColon("The store is full.") == "the store is full.");
  CHECK(afterColon("Environment variable P2_X is ignored.") == "environment variable P2_X is ignored.");
  for (const char* text :
       {"FCM says so.", "Google gives none.", "Theodor's is full.", "the store", "", "T"}) {
    CHECK(afterColon(text) == text);
  }
}
