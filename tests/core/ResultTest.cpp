#include "p2/core/Result.h"
#include "support/Catch.h"

#include <memory>
#include <string>

using p2::core::Error;
using p2::core::Result;

TEST_CASE("A result holds its value") {
  const Result<int> result = 7;
  CHECK(result.ok());
  CHECK(static_cast<bool>(result));
  CHECK(result.value() == 7);
}

TEST_CASE("A result holds the reason why there is no value") {
  const Result<int> result = Error{"store.path: no such directory"};
  CHECK_FALSE(result.ok());
  CHECK_FALSE(static_cast<bool>(result));
  CHECK(result.error() == "store.path: no such directory");
}

TEST_CASE("A value that is itself a string is not taken for an error") {
  const Result<std::string> result = std::string("text");
  REQUIRE(result.ok());
  CHECK(result.value() == "text");
}

TEST_CASE("A value can be changed in place and moved out") {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(1);
  *result.value() = 2;
  const std::unique_ptr<int> taken = std::move(result).value();
  CHECK(*taken == 2);
}

TEST_CASE("A result without a value is done or has a reason") {
  const Result<void> done;
  CHECK(done.ok());
  const Result<void> failed = Error{"disk full"};
  CHECK_FALSE(failed.ok());
  CHECK(failed.error() == "disk full");
}
