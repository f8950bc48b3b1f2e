#include "Stores.h"
#include "store/Samples.h"
#include "support/Catch.h"

#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <thread>
#include <vector>

using namespace p2::lmdb;
using namespace p2::lmdb::test;
using namespace p2::store;
using namespace p2::store::test;

TEST_CASE("A backup made under load is a store that holds what was answered before it began") {
  const TemporaryDirectory directory;
  const auto store = opened(directory / "store");
  std::vector<Registration> known;
  for (unsigned i = 0; i < 200; ++i) known.push_back(registered(*store, device(i), std::string(200, 't')));
  std::atomic<bool> stop{false};
  std::thread load([&] {
    for (unsigned i = 1000; !stop; ++i) static_cast<void>(registering(*store, device(i), "token").get());
  });
  const auto done = store->backup(directory / "backup");
  stop = true;
  load.join();
  REQUIRE(done.ok());
  const auto copy = opened(directory / "backup");
  for (const Registration& registration : known) CHECK(found(*copy, registration.node) == registration);
  CHECK(copy->statistics().registrations <= store->statistics().registrations);
  // It is a store like any other: it can be written.
  CHECK(registered(*copy, device(0), "new").node == known[0].node);
  struct stat status {};
  REQUIRE(::stat((directory / "backup/data.mdb").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777U) == 0600);
}

TEST_CASE("A store that is open for reading can be backed up, and the copy is compact") {
  const TemporaryDirectory directory;
  Store::Options options;
  options.path = directory / "store";
  std::uint64_t used = 0;
  {
    const auto store = opened(options);
    for (unsigned i = 0; i < 500; ++i) registering(*store, device(i), std::string(1000, 't'));
    for (unsigned i = 5; i < 500; ++i) CHECK(unregistered(*store, device(i)));
    used = store->statistics().usedBytes;
  }
  const auto reading = Store::openReadOnly(options.path);
  REQUIRE(reading.ok());
  REQUIRE(reading.value()->backup(directory / "backup").ok());
  CHECK(std::filesystem::file_size(directory / "backup/data.mdb") < used / 4);
  const auto copy = Store::openReadOnly(directory / "backup");
  REQUIRE(copy.ok());
  CHECK(copy.value()->statistics().registrations == 5);
}

TEST_CASE("A backup goes over no store and into no missing parent, and leaves nothing half done") {
  const TemporaryDirectory directory;
  const auto store = opened(directory / "store");
  static_cast<void>(registered(*store, device(1), "token"));
  const auto onto = store->backup(directory / "store");
  REQUIRE_FALSE(onto.ok());
  CHECK(onto.error().find("data.mdb exists") != std::string::npos);
  const auto orphan = store->backup(directory / "missing/backup");
  REQUIRE_FALSE(orphan.ok());
  CHECK(orphan.error().find("parent directory") != std::string::npos);
  CHECK(found(*store, device(1)));
  CHECK_FALSE(std::filesystem::exists(directory / "store/data.mdb.partial"));
}
