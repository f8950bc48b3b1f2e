#include "Punycode.h"
#include "p2/xmpp/Jid.h"
#include "support/Catch.h"

#include <map>
#include <random>
#include <string>
#include <vector>

using p2::xmpp::comparableDomain;
using p2::xmpp::decodePunycode;
using p2::xmpp::encodePunycode;

namespace {

/// The samples of RFC 3492 §7.1 that need no letters of mixed case, and two of the DNS.
const std::vector<std::pair<std::string, std::string>> kSamples{
    {"ليهمابتكلموشعربي؟", "egbpdaj6bu4bxfgehfvwxn"},
    {"他们为什么不说中文", "ihqwcrb4cv8a8dqg056pqjye"},
    {"почемужеонинеговорятпорусски", "b1abfaaepdrnnbgefbadotcwatmq2g4l"},
    {"3年b組金八先生", "3b-ww4c5e180e575a65lsy2b"},
    {"安室奈美恵-with-super-monkeys", "-with-super-monkeys-pc58ag80a8qai00g7n9n"},
    {"-> $1.00 <-", "-> $1.00 <--"},
    {"bücher", "bcher-kva"},
    {"\xF0\x9F\x98\x80", "e28h"},
};

void appendUtf8(std::string& text, char32_t point) {
  const auto add = [&](char32_t byte) { text += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (point < 0x80) {
    add(point);
  } else if (point < 0x800) {
    add(0xC0 | (point >> 6U));
    add(0x80 | (point & 0x3FU));
  } else if (point < 0x10000) {
    add(0xE0 | (point >> 12U));
    add(0x80 | ((point >> 6U) & 0x3FU));
    add(0x80 | (point & 0x3FU));
  } else {
    add(0xF0 | (point >> 18U));
    add(0x80 | ((point >> 12U) & 0x3FU));
    add(0x80 | ((point >> 6U) & 0x3FU));
    add(0x80 | (point & 0x3FU));
  }
}

}  // namespace

TEST_CASE("The samples of the RFC are encoded and decoded") {
  for (const auto& [text, encoded] : kSamples) {
    CAPTURE(text);
    CHECK(encodePunycode(text) == encoded);
    CHECK(decodePunycode(encoded) == text);
  }
}

TEST_CASE("What is encoded decodes to what it was") {
  std::mt19937 random(20261125);
  const std::vector<std::pair<char32_t, char32_t>> scripts{
      {'a', 'z'},       {'-', '9'},       {0xE0, 0xFF},       {0x430, 0x44F},
      {0x4E00, 0x9FFF}, {0xE000, 0xFFFD}, {0x1F600, 0x10FFFF}};
  for (int i = 0; i < 20000; ++i) {
    std::string label;
    const auto length = random() % 20;
    for (std::size_t j = 0; j < length; ++j) {
      const auto& [first, last] = scripts[random() % scripts.size()];
      appendUtf8(label, first + static_cast<char32_t>(random() % (last - first + 1)));
    }
    const auto encoded = encodePunycode(label);
    REQUIRE(encoded);
    REQUIRE(decodePunycode(*encoded) == label);
  }
}

TEST_CASE("No two labels of the DNS are one domain") {
  std::mt19937 random(20261125);
  const std::string alphabet = "aqz09-";
  std::map<std::string, std::string> seen;  // comparable → label
  int decoded = 0;
  for (int i = 0; i < 200000; ++i) {
    std::string label = "xn--";
    const auto length = random() % 8;
    for (std::size_t j = 0; j < length; ++j) label += alphabet[random() % alphabet.size()];
    const auto comparable = comparableDomain(label);
    if (comparable != label) ++decoded;
    const auto& first = seen.try_emplace(comparable, label).first->second;
    REQUIRE(first == label);
  }
  CHECK(decoded > 1000);
}

TEST_CASE("A label longer than those of the DNS stays as it is, however short it would be") {
  std::string text = "\xC3\xA9";
  for (std::string label; label.size() < 80; text.insert(0, "a")) {
    label = "xn--" + encodePunycode(text).value();
    CAPTURE(label);
    CHECK(comparableDomain(label) == (label.size() <= 63 ? text : label));
  }
}

TEST_CASE("What is too long to be encoded is refused, not encoded wrongly") {
  std::string text(3000, 'a');
  appendUtf8(text, 0x10FFFF);
  const auto encoded = encodePunycode(text);
  CHECK((!encoded || decodePunycode(*encoded) == text));
}
