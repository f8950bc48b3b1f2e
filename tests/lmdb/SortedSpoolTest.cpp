#include "SortedSpool.h"
#include "Stores.h"
#include "store/Samples.h"
#include "support/Catch.h"

#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace p2::lmdb;
using namespace p2::lmdb::test;
using namespace p2::store;
using namespace p2::store::test;

namespace {

using Key = std::pair<std::string, std::uint64_t>;

std::vector<std::pair<Key, std::string>> readAll(const SortedSpool& spool) {
  std::vector<std::pair<Key, std::string>> all;
  SortedSpool::Reader reader(spool);
  SortedSpool::Entry entry;
  for (bool found = true; found;) {
    REQUIRE(reader.next(entry, found) == 0);
    if (found) all.push_back({{entry.key, entry.order}, entry.value});
  }
  return all;
}

}  // namespace

TEST_CASE("What a spool is given comes back sorted, whatever the size of its runs and of its entries") {
  const TemporaryDirectory directory;
  std::minstd_rand random(7);
  for (const std::size_t runBytes :
       {std::size_t{1}, std::size_t{1000}, std::size_t{100000}, SortedSpool::kRunBytes}) {
    SortedSpool spool(directory.path(), runBytes);
    std::map<Key, std::string> model;
    for (std::uint64_t i = 0; i < 1500; ++i) {
      // Few keys, so that some come more than once; some entries are longer than a piece that is read.
      const std::string key(random() % 40, static_cast<char>(random() % 256));
      const std::string value(random() % 500 == 0 ? 200000 : random() % 300,
                              static_cast<char>(random() % 256));
      const std::uint64_t order = 1500 - i;
      REQUIRE(spool.add(key, order, value) == 0);
      model[{key, order}] = value;
    }
    REQUIRE(spool.finish() == 0);
    const std::vector<std::pair<Key, std::string>> expected(model.begin(), model.end());
    CHECK(readAll(spool) == expected);
    CHECK(readAll(spool) == expected);
  }
  CHECK(std::filesystem::is_empty(directory.path()));
}

TEST_CASE("An empty spool has no entries, and one without a file says why") {
  const TemporaryDirectory directory;
  SortedSpool empty(directory.path());
  REQUIRE(empty.finish() == 0);
  CHECK(readAll(empty).empty());
  SortedSpool nowhere(directory / "missing", 10);
  CHECK(nowhere.add("key", 1, "value of a run") == ENOENT);
  SortedSpool neither(directory / "missing");
  CHECK(neither.finish() == ENOENT);
}
