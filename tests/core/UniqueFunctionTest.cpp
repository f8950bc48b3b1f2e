#include "p2/core/UniqueFunction.h"
#include "support/Catch.h"

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

using p2::core::UniqueFunction;

TEST_CASE("A function is empty until it is given a callable, and after it was moved from") {
  UniqueFunction<int()> function;
  CHECK_FALSE(function);
  function = [] { return 3; };
  REQUIRE(function);
  CHECK(function() == 3);
  UniqueFunction<int()> other = std::move(function);
  CHECK_FALSE(function);  // NOLINT(bugprone-use-after-move): what is left is the question
  CHECK(other() == 3);
}

TEST_CASE("A function owns what cannot be copied") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<UniqueFunction<void()>>);
  UniqueFunction<int()> function = [value = std::make_unique<int>(5)] { return *value; };
  CHECK(function() == 5);
}

TEST_CASE("A function passes its arguments on, references and move-only values too") {
  UniqueFunction<void(std::unique_ptr<int>, std::string&, const std::string&)> function =
      [](std::unique_ptr<int> number, std::string& out, const std::string& in) {
        out = in + std::to_string(*number);
      };
  std::string out;
  function(std::make_unique<int>(1), out, "n");
  CHECK(out == "n1");
}

TEST_CASE("A function keeps the state of a mutable callable") {
  UniqueFunction<int()> count = [n = 0]() mutable { return ++n; };
  CHECK(count() == 1);
  CHECK(count() == 2);
}

TEST_CASE("A function copies a callable that it is given by name") {
  auto shared = std::make_shared<int>(0);
  const auto increment = [shared] { ++*shared; };
  UniqueFunction<void()> function = increment;
  function();
  increment();
  CHECK(*shared == 2);
}

TEST_CASE("A function destroys its callable with itself or when it is replaced") {
  auto owned = std::make_shared<int>(0);
  const std::weak_ptr<int> watched = owned;
  UniqueFunction<void()> function = [owned = std::move(owned)] {};
  CHECK_FALSE(watched.expired());
  function = [] {};
  CHECK(watched.expired());
}

TEST_CASE("A function is made only of what can be called so") {
  STATIC_REQUIRE(std::is_constructible_v<UniqueFunction<int(int)>, int (*)(int)>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<UniqueFunction<int(int)>, int (*)()>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<UniqueFunction<int(int)>, int>);
}
