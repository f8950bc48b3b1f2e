#include "Text.h"
#include "support/Catch.h"

#include <cstdint>
#include <string>

using namespace p2::mariadb;

namespace {

/// A number as UTF-8 has it in so many bytes, whether it may be or not.
std::string encoded(std::uint32_t number, unsigned bytes) {
  if (bytes == 1) return {static_cast<char>(number)};
  std::string text;
  for (unsigned i = 1; i < bytes; ++i) {
    text.insert(text.begin(), static_cast<char>(0x80U | (number & 0x3FU)));
    number >>= 6U;
  }
  text.insert(text.begin(), static_cast<char>((0xF00U >> bytes & 0xFFU) | number));
  return text;
}

unsigned bytesFor(std::uint32_t number) {
  if (number < 0x80) return 1;
  if (number < 0x800) return 2;
  return number < 0x10000 ? 3 : 4;
}

}  // namespace

TEST_CASE("Every character is UTF-8 in the one form that it has, and no part of it is") {
  for (std::uint32_t number = 0; number < 0x200000; number += number < 0x11000 ? 1 : 251) {
    const bool exists = number <= 0x10FFFF && (number < 0xD800 || number > 0xDFFF);
    for (unsigned bytes = bytesFor(number); bytes <= 4; ++bytes) {
      const auto text = encoded(number, bytes);
      REQUIRE(isUtf8("a" + text + "b") == (exists && bytes == bytesFor(number)));
      if (bytes > 1) REQUIRE_FALSE(isUtf8(text.substr(0, bytes - 1)));
      if (bytes > 1) REQUIRE_FALSE(isUtf8(text.substr(1)));
    }
  }
}

TEST_CASE("Bytes that begin nothing are no UTF-8") {
  for (unsigned byte = 0x80; byte < 0x100; ++byte)
    CHECK_FALSE(isUtf8(std::string(1, static_cast<char>(byte))));
  for (unsigned byte = 0xF5; byte < 0x100; ++byte) {
    CHECK_FALSE(isUtf8(static_cast<char>(byte) + std::string(6, '\x80')));
  }
  CHECK(isUtf8(""));
}
