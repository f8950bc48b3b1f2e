#include "p2/store/Forget.h"
#include "support/Catch.h"
#include "support/Eventually.h"
#include "support/ImportAll.h"
#include "support/TemporaryDirectory.h"

#include <chrono>
#include <cstddef>
#include <future>
#include <memory>
#include <string>
#include <vector>

using namespace p2;
using namespace p2::store;
using namespace std::chrono_literals;

namespace {

Registration registration(const std::string& node, char digit) {
  Registration made;
  made.node = node;
  made.secret = core::Secret("secret");
  made.key = {Service::fcm, std::string(40, digit), ""};
  made.domain = "a.example";
  made.target.value = core::Secret("token");
  return made;
}

std::unique_ptr<Store> storeWithTwo(const test::TemporaryDirectory& directory, std::size_t queue = 100) {
  Store::Options options;
  options.queueCapacity = queue;
  options.path = directory.path() / "store";
  auto store = Store::open(options);
  REQUIRE(store.ok());
  const std::vector<Registration> rows{registration("n1", 'a'), registration("n2", 'b')};
  REQUIRE(test::importAll(*store.value(), rows).ok());
  return std::move(store).value();
}

}  // namespace

TEST_CASE("Forgetting nodes tells how many there were, and touches no other") {
  const test::TemporaryDirectory directory;
  const auto store = storeWithTwo(directory);
  const std::vector<std::string> nodes{"n1", "unknown"};
  const auto forgotten = forgetNodes(*store, nodes, 10s);
  REQUIRE(forgotten.ok());
  CHECK(forgotten.value() == 1);
  CHECK_FALSE(store->find("n1").value());
  CHECK(store->find("n2").value());
  CHECK(forgetNodes(*store, {}, 10s).value() == 0);
}

TEST_CASE("Whoever forgets waits for a disk that hangs no longer than he said, and it is done later") {
  const test::TemporaryDirectory directory;
  const auto store = storeWithTwo(directory);
  std::promise<void> goOn;
  // The writer's thread stands still in this callback.
  store->forget("unknown", [wait = goOn.get_future()](const core::Result<bool>&) mutable { wait.wait(); });
  const std::vector<std::string> nodes{"n1"};
  const auto forgotten = forgetNodes(*store, nodes, 20ms);
  REQUIRE_FALSE(forgotten.ok());
  CHECK(forgotten.error().find("in time") != std::string::npos);
  goOn.set_value();
  CHECK(test::eventually([&] { return !store->find("n1").value(); }));
  CHECK(store->find("n2").value());
}

TEST_CASE("What is refused weighs more than what is late: it is not removed later") {
  const test::TemporaryDirectory directory;
  const auto store = storeWithTwo(directory, 1);
  std::promise<void> goOn;
  std::promise<void> stands;
  store->forget("unknown", [&stands, wait = goOn.get_future()](const core::Result<bool>&) mutable {
    stands.set_value();
    wait.wait();
  });
  stands.get_future().wait();
  const std::vector<std::string> nodes{"n1", "n2"};
  const auto forgotten = forgetNodes(*store, nodes, 20ms);
  REQUIRE_FALSE(forgotten.ok());
  CHECK(forgotten.error().find("in time") == std::string::npos);
  goOn.set_value();
  CHECK(test::eventually([&] { return !store->find("n1").value(); }));
  CHECK(store->find("n2").value());
}
