#include "Samples.h"
#include "SlowStore.h"
#include "p2/store/Find.h"
#include "support/Catch.h"
#include "support/ImportAll.h"

#include <string>

using namespace p2::store;
using namespace p2::store::test;
using p2::test::MemoryStore;

TEST_CASE(
    "Who can wait finds a registration, or that there is none, whether the answer comes at once or late") {
  MemoryStore store(GENERATE(MemoryStore::Answers::atOnce, MemoryStore::Answers::late));
  REQUIRE(p2::test::importAll(store, {imported(1)}).ok());
  CHECK(find(store, imported(1).node, 60s).value() == imported(1));
  CHECK_FALSE(find(store, "unknown", 60s).value());
}

TEST_CASE("A look-up that fails is an error for who waits for it, and so is one that takes too long") {
  MemoryStore failing;
  failing.fail("The disk is on fire.");
  CHECK(find(failing, "node", 60s).error() == "The disk is on fire.");
  SlowStore slow;
  CHECK(find(slow, "node", 1ms).error().find("in time") != std::string::npos);
  slow.goOn();  // whom it answers now is not there any more
}

namespace {

/// One that has no memory left for an answer.
class DroppingStore final : public MemoryStore {
 public:
  using MemoryStore::lookUp;
  void lookUp(std::string /*node*/, const std::string& /*domain*/, Callback<Found> /*done*/) const override {}
};

}  // namespace

TEST_CASE("A look-up that is dropped is an error, at once") {
  const DroppingStore store;
  CHECK(find(store, "node", 60s).error() == "The store gave no answer.");
}
