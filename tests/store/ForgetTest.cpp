#include "Samples.h"
#include "SlowStore.h"
#include "p2/store/Forget.h"
#include "support/Catch.h"
#include "support/ImportAll.h"

#include <string>
#include <vector>

using namespace p2::store;
using namespace p2::store::test;

namespace {

const std::string kFirst = imported(1).node;
const std::string kSecond = imported(2).node;

void fill(RegistrationStore& store) {
  REQUIRE(p2::test::importAll(store, {imported(1), imported(2)}).ok());
}

}  // namespace

TEST_CASE("Forgetting nodes tells how many there were, and touches no other") {
  p2::test::MemoryStore store(p2::test::MemoryStore::Answers::late);
  fill(store);
  const std::vector<std::string> nodes{kFirst, "unknown"};
  const auto forgotten = forgetNodes(store, nodes, 10s);
  REQUIRE(forgotten.ok());
  CHECK(forgotten.value() == 1);
  CHECK_FALSE(lookedUp(store, kFirst));
  CHECK(lookedUp(store, kSecond));
  CHECK(forgetNodes(store, {}, 10s).value() == 0);
}

TEST_CASE("Whoever forgets waits for a disk that hangs no longer than he said, and it is done later") {
  SlowStore store;
  fill(store);
  const std::vector<std::string> nodes{kFirst};
  const auto forgotten = forgetNodes(store, nodes, 20ms);
  REQUIRE_FALSE(forgotten.ok());
  CHECK(forgotten.error().find("in time") != std::string::npos);
  CHECK(store.statistics().registrations == 2);
  store.goOn();
  CHECK(store.statistics().registrations == 1);
  CHECK_FALSE(lookedUp(store, imported(1).key));
}

TEST_CASE("What is refused weighs more than what is late: it is not removed later") {
  SlowStore store(1);
  fill(store);
  const std::vector<std::string> nodes{kFirst, kSecond};
  const auto forgotten = forgetNodes(store, nodes, 20ms);
  REQUIRE_FALSE(forgotten.ok());
  CHECK(forgotten.error() == "It is busy.");
  store.goOn();
  CHECK_FALSE(lookedUp(store, imported(1).key));
  CHECK(lookedUp(store, imported(2).key));
}
