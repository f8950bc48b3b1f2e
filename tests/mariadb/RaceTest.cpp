#include "Server.h"
#include "support/Catch.h"

#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace p2::mariadb;
using namespace p2::mariadb::test;
using namespace p2::store;
using namespace p2::store::test;

TEST_CASE("Of several p2 that register the same devices at once each gives the same answers") {
  auto options = Server::shared().freshTables();
  options.maxBatch = 9;
  const auto one = opened(options), other = opened(options);
  constexpr unsigned kDevices = 200;
  std::vector<Answer<Registration>> ones(kDevices), others(kDevices);
  const auto enrolAll = [](Store& store, std::vector<Answer<Registration>>& answers, bool backwards) {
    for (unsigned i = 0; i < kDevices; ++i) {
      const unsigned number = backwards ? kDevices - 1 - i : i;
      store.registerDevice(device(number), "example.org", token("token"), answers[number].callback());
    }
  };
  SECTION("in the same order") {
    std::thread thread(enrolAll, std::ref(*one), std::ref(ones), false);
    enrolAll(*other, others, false);
    thread.join();
  }
  SECTION("in opposite orders") {
    std::thread thread(enrolAll, std::ref(*one), std::ref(ones), false);
    enrolAll(*other, others, true);
    thread.join();
  }
  std::set<std::string> nodes;
  for (unsigned i = 0; i < kDevices; ++i) {
    const auto& given = ones[i].value();
    CHECK(given.node == others[i].value().node);
    CHECK(given.secret == others[i].value().secret);
    CHECK(lookedUp(*one, given.node)->key == device(i));
    nodes.insert(given.node);
  }
  CHECK(nodes.size() == kDevices);
  CHECK(one->statistics().registrations == kDevices);
}

TEST_CASE("What one p2 has written the others see") {
  const auto options = Server::shared().freshTables();
  const auto one = opened(options), other = opened(options);
  CHECK_FALSE(other->holdsAny());
  const auto given = registered(*one, device(1), "token");
  CHECK(lookedUp(*other, given.node) == given);
  CHECK(other->holdsAny());
  CHECK(registered(*other, device(1), "new").node == given.node);
  CHECK(lookedUp(*one, device(1))->target == token("new"));
  CHECK(unregistered(*other, device(1)));
  CHECK_FALSE(lookedUp(*one, given.node));
  // A table that has lost all its rows denies nobody.
  CHECK_FALSE(one->holdsAny());
}
