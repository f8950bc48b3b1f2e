#include "Json.h"
#include "support/Catch.h"

#include <Poco/JSON/Array.h>

using namespace p2::fcm;

namespace {

std::string written(const std::string& text) {
  std::string out;
  appendString(out, text);
  return out;
}

}  // namespace

TEST_CASE("Strings are escaped as JSON asks") {
  CHECK(written("") == R"("")");
  CHECK(written("a:b-c_d/é") == "\"a:b-c_d/é\"");
  CHECK(written("\"\\") == R"("\"\\")");
  CHECK(written(std::string("\0\n\t\x1f\x7f", 5)) == R"("\u0000\u000a\u0009\u001f\u007f")");
}

TEST_CASE("Every byte that can be quoted comes back from the parser") {
  std::string text;
  for (char c = 1; c < 127; ++c) text += c;
  CHECK(stringAt(parseObject("{\"x\":" + written(text) + "}"), "x") == text);
}

TEST_CASE("What begins as no object does is none that was cut off") {
  for (const char* text : {"", " ", "\r\n\t ", "{", " {\"name\"", "\n{}}</html>"}) {
    CHECK_FALSE(isOtherThanObject(text));
  }
  for (const char* text : {"<html>", " \r\nError=x", "[{}]", "\"{\"", "5"}) CHECK(isOtherThanObject(text));
}

TEST_CASE("What is no object gives none, and what is no string gives an empty one") {
  for (const char* text : {"", "null", "[]", "1", "\"x\"", "{", "{\"a\":", "<html></html>", "\xff\xfe"}) {
    CAPTURE(text);
    CHECK_FALSE(parseObject(text));
  }
  CHECK_FALSE(parseObject(std::string(10000, '[')));
  std::string deep;
  for (int n = 0; n < 10000; ++n) deep += "{\"a\":";
  CHECK_FALSE(parseObject(deep));

  const auto object = parseObject(R"({"n":1,"o":{},"a":[],"z":null,"s":"x","b":true})");
  REQUIRE(object);
  for (const char* key : {"n", "o", "a", "z", "b", "absent"}) CHECK(stringAt(object, key).empty());
  CHECK(stringAt(object, "s") == "x");
  CHECK(stringAt({}, "s").empty());
  CHECK(numberAt(object, "n", 7) == 1);
  CHECK(numberAt(object, "s", 7) == 7);
  CHECK(numberAt(object, "absent", 7) == 7);
  CHECK_FALSE(objectAt(object, "a"));
  CHECK_FALSE(arrayAt(object, "o"));
}
