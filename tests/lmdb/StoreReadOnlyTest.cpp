#include "ChildProcess.h"
#include "Stores.h"
#include "store/Samples.h"
#include "support/Catch.h"
#include "support/ImportAll.h"

#include <sys/stat.h>

#include <fstream>
#include <vector>

using namespace p2::lmdb;
using namespace p2::lmdb::test;
using namespace p2::store;
using namespace p2::store::test;

TEST_CASE(
    "Another process reads beside the daemon and sees what is committed, also after the map has grown") {
  const TemporaryDirectory directory;
  Store::Options options;
  options.path = directory.path();
  options.initialMapSize = 65536;
  const auto store = opened(options);
  ChildProcess reader({"read", directory.path().string()});
  REQUIRE(reader.line() == "open");
  CHECK(reader.ask("unknown") == "none");
  const Registration first = registered(*store, device(1), "one");
  CHECK(reader.ask(first.node) == "one");
  static_cast<void>(registered(*store, device(1), "two"));
  CHECK(reader.ask(first.node) == "two");
  std::vector<Answer<Registration>> answers(2000);
  for (unsigned i = 0; i < answers.size(); ++i) {
    store->registerDevice(device(i + 10), "example.org", token(std::string(200, 't')), answers[i].callback());
  }
  for (const auto& answer : answers) REQUIRE(answer.get().ok());
  CHECK(store->statistics().mapBytes >= 8 * 65536U);
  CHECK(reader.ask(answers.back().value().node) == std::string(200, 't'));
  CHECK(reader.ask(first.node) == "two");
  CHECK(unregistered(*store, device(1)));
  CHECK(reader.ask(first.node) == "none");
  CHECK(reader.finish() == 0);
}

TEST_CASE("A reader that was killed does not hold pages back for ever") {
  const TemporaryDirectory directory;
  Store::Options options;
  options.path = directory.path();
  options.initialMapSize = 131072;
  const auto store = opened(options);
  for (int round = 0; round < 300; ++round) {
    if (round % 100 == 0) {
      ChildProcess reader({"read", directory.path().string()});
      REQUIRE(reader.line() == "open");
      CHECK(reader.ask("unknown") == "none");
      reader.kill();
    }
    static_cast<void>(registered(*store, device(1), std::string(1500, 't') + std::to_string(round)));
  }
  CHECK(store->statistics().mapBytes <= 262144);
}

TEST_CASE("A reader that stops in the middle of a walk holds no pages back") {
  const TemporaryDirectory directory;
  Store::Options options;
  options.path = directory.path();
  options.initialMapSize = 131072;
  const auto store = opened(options);
  for (unsigned i = 0; i < 10; ++i) static_cast<void>(registered(*store, device(i), "token"));
  ChildProcess reader({"dawdle", directory.path().string()});
  REQUIRE(reader.line() == "open");
  const std::string first = reader.ask("next");
  for (int round = 0; round < 300; ++round) {
    static_cast<void>(registered(*store, device(1), std::string(1500, 't') + std::to_string(round)));
  }
  CHECK(store->statistics().mapBytes <= 262144);
  CHECK(reader.ask("next") > first);
}

TEST_CASE("A walk in pieces meets every registration that was there all the time, once") {
  const TemporaryDirectory directory;
  const auto store = opened(directory.path());
  std::vector<Registration> rows;
  for (unsigned i = 0; i < 3500; ++i) rows.push_back(imported(i));
  REQUIRE(p2::test::importAll(*store, rows).ok());
  unsigned visited = 0;
  std::string last;
  REQUIRE(store
              ->forEach([&](const Registration& registration) {
                CHECK(registration.node > last);
                last = registration.node;
                // Changes while it is under way, before and behind it: but for those all are met.
                if (++visited % 500 == 0) {
                  static_cast<void>(registered(*store, registration.key, "renewed"));
                  CHECK(found(*store, registration.node)->target == token("renewed"));
                }
                return true;
              })
              .ok());
  CHECK(visited == 3500);
}

TEST_CASE("A store is read without a daemon, and opened once only by one process") {
  const TemporaryDirectory directory;
  Registration known;
  {
    const auto store = opened(directory.path());
    known = registered(*store, device(1), "token");
    const auto second = Store::openReadOnly(directory.path());
    REQUIRE_FALSE(second.ok());
    CHECK(second.error().find("is open in this process already") != std::string::npos);
  }
  const auto reading = Store::openReadOnly(directory.path());
  REQUIRE(reading.ok());
  CHECK(found(*reading.value(), known.node) == known);
  CHECK(found(*reading.value(), device(1)) == known);
  CHECK(reading.value()->statistics().registrations == 1);
  CHECK(reading.value()->lastFault().empty());
  unsigned visited = 0;
  REQUIRE(reading.value()->forEach([&](const Registration&) { return ++visited > 0; }).ok());
  CHECK(visited == 1);
}

TEST_CASE("Reading where there is no store is told in words, and creates nothing") {
  const TemporaryDirectory directory;
  for (const auto& path : {directory.path(), directory / "missing"}) {
    const auto reading = Store::openReadOnly(path);
    REQUIRE_FALSE(reading.ok());
    CHECK(reading.error().find("The store " + path.string() + " holds no registrations") == 0);
    CHECK(reading.error().find("store.path") != std::string::npos);
  }
  CHECK(std::filesystem::is_empty(directory.path()));
}

TEST_CASE("A file in the place of the store's directory is told as that, and not as a lack of permission") {
  const TemporaryDirectory directory;
  const auto file = directory / "file";
  std::ofstream(file) << "x";
  for (const auto mode : {0600U, 0700U, 0U}) {
    REQUIRE(::chmod(file.c_str(), mode) == 0);
    const auto reading = Store::openReadOnly(file);
    REQUIRE_FALSE(reading.ok());
    CHECK(reading.error().find("The store " + file.string() + " is not a directory, but a file") == 0);
    const auto below = Store::openReadOnly(file / "store");
    REQUIRE_FALSE(below.ok());
    CHECK(below.error().find("holds no registrations") != std::string::npos);
  }
}
