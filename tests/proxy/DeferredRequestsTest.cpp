#include "ProxyFixture.h"
#include "support/Catch.h"
#include "support/JumpingClock.h"

#include <chrono>
#include <string>
#include <string_view>

using namespace std::chrono_literals;
using p2::test::errorIn;
using p2::test::JumpingClock;
using p2::test::kDevice;
using p2::test::kTryLater;
using p2::test::ProxyFixture;
using p2::test::valueOf;

namespace {

const std::string kAccount = "xiaomia1@jabber.de";

/// A proxy on a machine whose clock is not set yet.
struct AtBoot {
  void ask(const std::string& xml) {
    const auto iq = p2::test::request(xml);
    house.proxy->handle(iq, p2::xmpp::Responder(house.replies, iq.id, iq.from, iq.to));
  }
  void set() {
    clock.believe(true);
    house.proxy->watchClock();
  }
  std::size_t answered() const { return house.replies.all().size(); }

  JumpingClock clock{false};
  ProxyFixture house{{}, true, clock};
};

std::string ping() {
  return "<iq type='get' id='p' from='jabber.de' to='push.example.org'><ping xmlns='urn:xmpp:ping'/></iq>";
}

}  // namespace

TEST_CASE("What needs the clock waits until it is set, in its order, and nothing else does") {
  AtBoot boot;
  boot.ask(p2::test::registerRequest(kAccount, kDevice, "token1"));
  boot.ask(p2::test::registerRequest(kAccount, kDevice, "token2"));
  boot.house.proxy->watchClock();
  CHECK(boot.answered() == 0);
  CHECK(boot.house.store->statistics().registrations == 0);
  boot.ask(ping());
  CHECK(boot.answered() == 1);
  boot.set();
  const auto answers = boot.house.replies.waitFor(3);
  const auto node = valueOf(answers[2], "node");
  CHECK(valueOf(answers[1], "node") == node);
  CHECK(boot.house.store->find(std::string_view(node)).value()->target.value.reveal() == "token2");
  // From now on nothing waits.
  CHECK(valueOf(boot.house.registerPhone("token3"), "node") == node);
}

TEST_CASE("Who has waited for the clock as long as servers wait is asked to try again, and loses nothing") {
  AtBoot boot;
  boot.ask(p2::test::registerRequest(kAccount, kDevice, "token1"));
  boot.clock.jump(15s);
  boot.ask(p2::test::publishRequest("unknown", "secret", "jabber.de"));
  boot.house.proxy->watchClock();
  CHECK(boot.answered() == 0);
  boot.clock.jump(6s);
  boot.house.proxy->watchClock();
  REQUIRE(boot.answered() == 1);
  CHECK(errorIn(boot.house.replies.all()[0]) == kTryLater);
  boot.house.proxy->giveUpDeferred();
  REQUIRE(boot.answered() == 2);
  CHECK(errorIn(boot.house.replies.all()[1]) == kTryLater);
  boot.set();
  CHECK(boot.answered() == 2);
}

TEST_CASE("As many wait for the clock as there is room for, and the others are asked to try again") {
  AtBoot boot;
  const std::string padding(GENERATE(0U, 3000U), 'x');
  constexpr unsigned kAsked = 6000;
  for (unsigned i = 0; i < kAsked; ++i) {
    boot.ask(p2::test::publishRequest("unknown" + padding, "secret", "jabber.de"));
  }
  const auto refused = boot.answered();
  CHECK(refused >= 1000);
  CHECK(refused < (padding.empty() ? 1001 : 5500));
  for (const auto& answer : boot.house.replies.all()) {
    REQUIRE(errorIn(answer) == kTryLater);
  }
  boot.set();
  CHECK(boot.answered() == kAsked);
}

TEST_CASE("What means nothing takes no room while a request waits for the clock") {
  AtBoot boot;
  std::string padding;
  for (int i = 0; i < 100; ++i) padding += "<a/>";
  for (int i = 0; i < 6000; ++i) boot.ask(p2::test::registerRequest(kAccount, kDevice, "token", padding));
  CHECK(boot.answered() == 1000);
  boot.house.proxy->giveUpDeferred();
  CHECK(boot.answered() == 6000);
}

TEST_CASE("A clock that is lost while p2 runs is waited for, too") {
  JumpingClock clock;
  ProxyFixture house({}, true, clock);
  const auto node = valueOf(house.registerPhone("token1"), "node");
  clock.believe(false);
  house.proxy->watchClock();
  const auto iq = p2::test::request(p2::test::registerRequest(kAccount, kDevice, "token2"));
  house.proxy->handle(iq, p2::xmpp::Responder(house.replies, iq.id, iq.from, iq.to));
  CHECK(house.replies.all().size() == 1);
  clock.believe(true);
  house.proxy->watchClock();
  CHECK(valueOf(house.replies.waitFor(2)[1], "node") == node);
}
