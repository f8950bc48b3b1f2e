#include "p2/core/Secret.h"
#include "p2/core/Target.h"
#include "support/Catch.h"

#include <algorithm>
#include <cstring>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>

using p2::core::Secret;
using p2::core::Target;

namespace {

template <class T>
concept Streamable = requires(std::ostream& out, const T& value) {
  out << value;
};

/// The bytes of the object itself, where a short string lives.
std::string bytesOf(const Secret& secret) {
  std::string bytes(sizeof(Secret), '\0');
  std::memcpy(bytes.data(), static_cast<const void*>(&secret), sizeof(Secret));
  return bytes;
}

}  // namespace

TEST_CASE("A secret cannot be streamed or converted to a string") {
  STATIC_REQUIRE(Streamable<std::string>);
  STATIC_REQUIRE_FALSE(Streamable<Secret>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<Secret, std::string>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<std::string, Secret>);
}

TEST_CASE("A secret reveals what it was made of") {
  CHECK(Secret("KK4+H5WMfpRG/2zCbuKq6wpX").reveal() == "KK4+H5WMfpRG/2zCbuKq6wpX");
  CHECK(Secret().empty());
  CHECK_FALSE(Secret("x").empty());
}

TEST_CASE("Secrets are equal only if length and every byte agree") {
  struct Case {
    std::string mine;
    std::string other;
    bool equal;
  };
  const auto row = GENERATE(values<Case>({{"", "", true},
                                          {"secret", "secret", true},
                                          {"secret", "Secret", false},
                                          {"secret", "secreT", false},
                                          {"secret", "secre", false},
                                          {"secret", "secrets", false},
                                          {"secret", "", false},
                                          {"", "secret", false},
                                          {std::string("a\0b", 3), std::string("a\0c", 3), false},
                                          {std::string("a\0b", 3), std::string("a\0b", 3), true}}));
  CAPTURE(row.mine, row.other);
  CHECK(Secret(row.mine).equals(row.other) == row.equal);
  CHECK((Secret(row.mine) == Secret(row.other)) == row.equal);
}

TEST_CASE("A secret is copied and moved as a value") {
  Secret a("first");
  Secret b(a);
  CHECK(a == b);
  b = Secret("second, and longer than any short string");
  CHECK(a.reveal() == "first");
  a = b;
  CHECK(a.reveal() == "second, and longer than any short string");
  Secret& same = a;
  a = same;
  CHECK(a == b);
  const Secret c(std::move(a));
  CHECK(c == b);
  CHECK(a.empty());  // NOLINT(bugprone-use-after-move): what is left is the question
}

TEST_CASE("A short secret leaves no trace in the object that it was moved from") {
  Secret from("hunter2");
  REQUIRE(bytesOf(from).find("hunter2") != std::string::npos);
  SECTION("by construction") {
    const Secret to(std::move(from));
  }
  SECTION("by assignment") {
    Secret to("other");
    to = std::move(from);
    CHECK(to.reveal() == "hunter2");
  }
  CHECK(bytesOf(from).find("unter2") == std::string::npos);  // NOLINT(bugprone-use-after-move)
}

TEST_CASE("A wiped secret is empty and leaves no trace in its memory") {
  Secret secret(std::string(100, 's'));
  const char* memory = secret.reveal().data();
  secret.wipe();
  CHECK(secret.empty());
  REQUIRE(secret.reveal().data() == memory);
  CHECK(std::count(memory, memory + secret.reveal().capacity(), 's') == 0);
}

TEST_CASE("A secret that is overwritten by a shorter one keeps nothing of the old") {
  Secret secret("hunter2");
  secret = Secret("x");
  CHECK(bytesOf(secret).find("nter2") == std::string::npos);
}

TEST_CASE("Targets are equal if kind and value are") {
  const Target token{Target::Kind::registrationToken, Secret("t")};
  CHECK(token == Target{Target::Kind::registrationToken, Secret("t")});
  CHECK_FALSE(token == Target{Target::Kind::installationId, Secret("t")});
  CHECK_FALSE(token == Target{Target::Kind::registrationToken, Secret("u")});
}
