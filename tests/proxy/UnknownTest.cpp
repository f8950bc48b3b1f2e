#include "LogOfProxy.h"
#include "ProxyFixture.h"
#include "support/Catch.h"
#include "support/Has.h"
#include "support/ManualClock.h"
#include "support/MemoryStore.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

// What servers are told of nodes that are not there, while stores are lost, swapped and put back.

using namespace p2;
using namespace p2::test;
using namespace std::chrono_literals;

namespace {

/// A store that an operator swaps for another one while p2 runs, as a database may be. All of them begin
/// empty; secrets differ from store to store, nodes do not.
class SwappedStore final : public MemoryStore {
 public:
  using MemoryStore::lookUp;
  using MemoryStore::MemoryStore;

  /// In this one there is nobody but those that `shows` says.
  void show(std::vector<std::string> nodes) { _shown = std::move(nodes); }

  void lookUp(std::string node, const std::string& domain, Callback<Found> done) const override {
    if (std::find(_shown.begin(), _shown.end(), node) == _shown.end()) return done(Found());
    MemoryStore::lookUp(std::move(node), domain, std::move(done));
  }

 private:
  std::vector<std::string> _shown;
};

/// A phone, as its server knows it.
struct Phone {
  std::string node, secret;
};

/// A proxy on such a store, with the grace there is by default, and no other limit.
struct Swapping {
  Swapping() {
    proxy::PushProxy::Limits limits;
    limits.unknownPerHour = 0;
    p2.proxy->setLimits(limits);
  }
  Phone registers(int number) {
    const auto answer = p2.registerPhone("token", "a" + std::to_string(number) + "@jabber.de");
    return {valueOf(answer, "node"), valueOf(answer, "secret")};
  }
  std::string push(const Phone& phone) { return errorIn(p2.publish(phone.node, phone.secret)); }

  std::unique_ptr<SwappedStore> own = std::make_unique<SwappedStore>();
  SwappedStore& store = *own;
  ManualClock clock;
  ProxyFixture p2{std::move(own), clock};
};

/// What a server is to be told of a phone, in as few words as can be.
class Model {
 public:
  std::string push(std::size_t phone, bool isThere, core::Clock::TimePoint now) {
    if (isThere) {
      _missedSince.erase(phone);
      return {};
    }
    const auto first = _missedSince.try_emplace(phone, now).first->second;
    return now - first >= 1h ? kItemNotFound : kTryLater;
  }

 private:
  std::map<std::size_t, core::Clock::TimePoint> _missedSince;
};

/// Each of them with its secret, and then with one that is wrong.
std::vector<Phone> withWrongSecrets(std::vector<Phone> phones) {
  const auto count = phones.size();
  for (std::size_t i = 0; i < count; ++i) phones.push_back({phones[i].node, "wrong"});
  return phones;
}

}  // namespace

TEST_CASE(
    "Whatever stores are swapped when, a server is told of who is missed for an hour and of nobody else") {
  std::mt19937 random(GENERATE(1U, 2U, 3U, 4U));
  const auto below = [&random](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  Swapping swapping;
  std::vector<Phone> registered;
  for (int i = 0; i < 6; ++i) registered.push_back(swapping.registers(i));
  const auto phones = withWrongSecrets(registered);
  std::vector<std::string> shown;
  Model model;
  std::map<std::string, int> answers;
  for (int step = 0; step < 1000; ++step) {
    swapping.clock.advance(std::chrono::seconds(below(240)));
    if (below(40) == 0) {
      shown.clear();
      for (const auto& phone : registered) {
        if (below(2) == 0) shown.push_back(phone.node);
      }
      swapping.store.show(shown);
    }
    const auto which = below(phones.size());
    const bool isShown = std::find(shown.begin(), shown.end(), phones[which].node) != shown.end();
    const bool isThere = isShown && which < registered.size();
    const auto answer = swapping.push(phones[which]);
    CAPTURE(step, which, isThere);
    REQUIRE(answer == model.push(which, isThere, swapping.clock.now()));
    ++answers[answer];
  }
  CHECK(answers.size() == 3);
  for (const auto& [answer, count] : answers) CHECK(count > 30);
}

TEST_CASE(
    "A store that is lost and put back within the hour costs nobody anything, with one phone as with many") {
  const std::size_t count = GENERATE(1U, 8U, 40U);
  Swapping swapping;
  std::vector<Phone> phones;
  std::vector<std::string> all;
  for (std::size_t i = 0; i < count; ++i) {
    phones.push_back(swapping.registers(static_cast<int>(i)));
    all.push_back(phones.back().node);
  }
  const auto news = swapping.registers(1000);
  swapping.store.show({news.node});
  for (auto minute = 0min; minute < 60min; minute += 5min) {
    CHECK(swapping.push(news).empty());
    for (const auto& phone : phones) REQUIRE(swapping.push(phone) == kTryLater);
    swapping.clock.advance(5min);
  }
  all.push_back(news.node);
  swapping.store.show(all);
  for (const auto& phone : phones) CHECK(swapping.push(phone).empty());
  // Which is not the end of those that go an hour later.
  swapping.store.show({news.node});
  for (const auto& phone : phones) CHECK(swapping.push(phone) == kTryLater);
  swapping.clock.advance(1h);
  for (const auto& phone : phones) CHECK(swapping.push(phone) == kItemNotFound);
  CHECK(swapping.p2.metrics.total("p2_unknown_nodes_total") == 2 * count);
  CHECK(swapping.p2.metrics.total("p2_requests_limited_total", {{"limit", "unknown"}}) == 0);
}

TEST_CASE("That servers push for what is not there is told a minute later, and then every ten minutes") {
  const LogOfProxy log;
  Swapping swapping;
  const auto found = swapping.registers(1);
  swapping.store.show({found.node});
  const Phone missed{"AAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAA"};
  const auto pushes = [&swapping](const Phone& phone, int times) {
    for (int i = 0; i < times; ++i) swapping.push(phone);
  };
  const auto goOn = [&swapping](std::chrono::seconds time) {
    for (; time > 0s; time -= 1s) {
      swapping.clock.advance(1s);
      swapping.p2.proxy->watchStore();
    }
  };
  pushes(found, 100);  // before the window
  goOn(60s);
  CHECK(log.texts().empty());
  pushes(missed, 3);
  pushes(found, 2);
  goOn(59s);
  CHECK(log.texts().empty());
  goOn(1s);
  REQUIRE(log.texts().size() == 1);
  CHECK(has(log.texts()[0],
            "4 3 pushes within 1 min were for phones that are not in this store, and 2 for "
            "phones that are"));
  CHECK(has(log.texts()[0], "limits.unknownAfter"));
  CHECK_FALSE(has(log.texts()[0], "AAAA"));
  CHECK_FALSE(has(log.texts()[0], "jabber.de"));
  for (int minute = 0; minute < 9; ++minute) {
    pushes(missed, 1);
    pushes(found, 1);
    goOn(60s);
  }
  CHECK(log.texts().size() == 1);
  goOn(60s);
  REQUIRE(log.texts().size() == 2);
  CHECK(has(log.texts()[1], "6 9 pushes within 10 min"));
  goOn(3600s);
  CHECK(log.texts().size() == 2);
  pushes(missed, 1);
  goOn(60s);
  REQUIRE(log.texts().size() == 3);
  CHECK(has(log.texts()[2], "4 1 push within 1 min was for"));
}
