#include "Changes.h"
#include "Directory.h"
#include "Environment.h"
#include "Stores.h"
#include "store/Samples.h"
#include "support/Catch.h"

#include <deque>

using namespace p2::lmdb;
using namespace p2::lmdb::test;
using namespace p2::store;
using namespace p2::store::test;

namespace {

std::unique_ptr<Environment> openEnvironment(const TemporaryDirectory& directory) {
  auto environment = Environment::open({.directory = directory.path(), .initialMapSize = 65536});
  REQUIRE(environment.ok());
  return std::move(environment).value();
}

p2::core::Result<Registration> enrolled(Environment& environment, const DeviceKey& key,
                                        const RegistrationRules& rules) {
  p2::core::Result<Registration> outcome = p2::core::Error{"not applied"};
  const auto written = environment.write([&](Tables& tables) {
    auto applied = enrol(tables, {key, "example.org", token("token")}, rules);
    outcome = std::move(applied.outcome);
    return applied.code;
  });
  REQUIRE(written.ok());
  return outcome;
}

}  // namespace

TEST_CASE("A node that another registration has is not given again") {
  const TemporaryDirectory directory;
  const auto environment = openEnvironment(directory);
  std::deque<std::string> draws = {"first", "first", "first", "second"};
  RegistrationRules rules{{}, 24h, [&] {
                            std::string node = draws.front();
                            draws.pop_front();
                            return p2::core::Result<std::string>(std::move(node));
                          }};
  CHECK(enrolled(*environment, device(1), rules).value().node == "first");
  CHECK(enrolled(*environment, device(2), rules).value().node == "second");
  CHECK(draws.empty());
  auto transaction = environment->read();
  REQUIRE(transaction.ok());
  CHECK(transaction.value().tables().find(device(1)).value()->node == "first");
  CHECK(transaction.value().tables().find("first").value()->key == device(1));
}

TEST_CASE("A generator that gives the same node for ever, or none, is an error and changes nothing") {
  const TemporaryDirectory directory;
  const auto environment = openEnvironment(directory);
  const RegistrationRules stuck{{}, 24h, [] { return p2::core::Result<std::string>(std::string("same")); }};
  REQUIRE(enrolled(*environment, device(1), stuck).ok());
  CHECK_FALSE(enrolled(*environment, device(2), stuck).ok());
  const RegistrationRules none{
      {}, 24h, [] { return p2::core::Result<std::string>(p2::core::Error{"none"}); }};
  const auto outcome = enrolled(*environment, device(2), none);
  REQUIRE_FALSE(outcome.ok());
  CHECK(outcome.error() == "none");
  auto transaction = environment->read();
  REQUIRE(transaction.ok());
  CHECK(transaction.value().tables().size() == 1);
}

TEST_CASE("A map that is full doubles until it has the greatest size for the machine") {
  const std::size_t greatest = Environment::Options().greatestMapSize;
  std::size_t size = 65536;
  int steps = 0;
  for (; nextMapSize(size, greatest) != size; ++steps) {
    CHECK(nextMapSize(size, greatest) <= size * 2);
    size = nextMapSize(size, greatest);
  }
  CHECK(size == std::size_t{1} << (sizeof(void*) == 4 ? 30U : 40U));
  CHECK(steps == (sizeof(void*) == 4 ? 14 : 24));
  CHECK(nextMapSize(size + 4096, greatest) == size + 4096);
}

TEST_CASE(
    "A map of the greatest size that is full fails what needs more, in words, and keeps all that is there") {
  const TemporaryDirectory directory;
  constexpr std::size_t kGreatest = std::size_t{1} << 20U;
  constexpr unsigned kAtOnce = 100;
  auto opened = Environment::open(
      {.directory = directory.path(), .initialMapSize = 65536, .greatestMapSize = kGreatest});
  REQUIRE(opened.ok());
  const auto environment = std::move(opened).value();
  std::string fault;
  unsigned stored = 0;
  while (fault.empty() && stored < 100 * kAtOnce) {
    environment->reserve(std::uint64_t{1} << 33U);  // wider than a 32-bit machine's numbers
    const auto written = environment->write([&](Tables& tables) {
      int code = 0;
      for (unsigned i = 0; i < kAtOnce && code == 0; ++i) code = tables.put(imported(stored + i));
      return code;
    });
    if (written.ok()) stored += kAtOnce;
    if (!written.ok()) fault = written.error();
  }
  INFO(fault);
  CHECK(stored > kAtOnce);
  CHECK(fault.find(" cannot grow beyond 1 MiB on this machine.") != std::string::npos);
  CHECK(fault.find("p2 export") != std::string::npos);
  auto transaction = environment->read();
  REQUIRE(transaction.ok());
  CHECK(transaction.value().size().mapBytes == kGreatest);
  CHECK(transaction.value().tables().size() == stored);
}

TEST_CASE("What a failed piece of work wrote is not there, and the next one works") {
  const TemporaryDirectory directory;
  const auto environment = openEnvironment(directory);
  const auto failed = environment->write([](Tables& tables) {
    const int code = tables.put(imported(1));
    return code != 0 ? code : MDB_BAD_VALSIZE;
  });
  CHECK_FALSE(failed.ok());
  CHECK_THROWS_AS(environment->write([](Tables& tables) -> int {
    static_cast<void>(tables.put(imported(1)));
    throw std::bad_alloc();
  }),
                  std::bad_alloc);
  const auto nothing = environment->write([](Tables&) { return 0; });
  REQUIRE(nothing.ok());
  CHECK_FALSE(nothing.value());
  const auto written = environment->write([](Tables& tables) { return tables.put(imported(2)); });
  REQUIRE(written.ok());
  CHECK(written.value());
  auto transaction = environment->read();
  REQUIRE(transaction.ok());
  CHECK(transaction.value().tables().size() == 1);
}

TEST_CASE("A device that is led to another's record gets a node of its own, and cannot withdraw that one") {
  const TemporaryDirectory directory;
  const auto environment = openEnvironment(directory);
  const RegistrationRules rules{{}, 24h};
  const auto owner = enrolled(*environment, device(1), rules).value();
  REQUIRE(environment
              ->write([&](Tables& tables) {
                Registration stray = owner;
                stray.key = device(2);
                return tables.putDevice(stray);
              })
              .ok());
  const auto withdrawn = environment->write([&](Tables& tables) {
    const auto applied = unregister(tables, device(2));
    CHECK_FALSE(applied.outcome.value());
    return applied.code;
  });
  REQUIRE(withdrawn.ok());
  CHECK(enrolled(*environment, device(2), rules).value().node != owner.node);
  auto transaction = environment->read();
  REQUIRE(transaction.ok());
  CHECK(transaction.value().tables().find(owner.node).value() == owner);
  CHECK(transaction.value().tables().find(device(1)).value() == owner);
}
