#include "ProxyFixture.h"
#include "store/Samples.h"
#include "support/Catch.h"
#include "support/ImportAll.h"
#include "support/JumpingClock.h"
#include "support/MemoryStore.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// The proxy on registrations that are not in LMDB: it may rely on nothing but what the interface says.

using namespace p2;
using namespace p2::test;
using namespace std::chrono_literals;

namespace {

using Answers = MemoryStore::Answers;

std::unique_ptr<MemoryStore> registrations(Answers answers) {
  return std::make_unique<MemoryStore>(answers);
}

/// Some registrations were looked up a while ago: what others have done since is not seen in them.
class RememberingStore final : public MemoryStore {
 public:
  using MemoryStore::MemoryStore;

  /// From now on recent look-ups find what is there now.
  void remember(const std::string& node) { _known = store::test::lookedUp(*this, node).value(); }

  void lookUpRecent(std::string node, const std::string& domain, Callback<Recent> done) const override {
    if (_known.node == node) return done(Recent{_known, true});
    MemoryStore::lookUpRecent(std::move(node), domain, std::move(done));
  }

 private:
  store::Registration _known;
};

/// Counts what it is asked for by node.
class CountingStore final : public MemoryStore {
 public:
  using MemoryStore::lookUp;
  using MemoryStore::MemoryStore;

  void lookUp(std::string node, const std::string& domain, Callback<Found> done) const override {
    ++_asked;
    MemoryStore::lookUp(std::move(node), domain, std::move(done));
  }
  int asked() const { return _asked.exchange(0); }

 private:
  mutable std::atomic<int> _asked{0};
};

/// One at whose disk the look-ups of devices wait until they go on, as many as there is room for. What they
/// find then can be made a fault.
class BusyStore final : public MemoryStore {
 public:
  using MemoryStore::lookUp;

  void lookUp(const store::DeviceKey& key, const std::string& domain, Callback<Found> done) const override {
    if (_waiting.size() >= _room) return done(core::Error{"It is busy."});
    _waiting.emplace_back([this, key, domain, done = std::move(done)]() mutable {
      if (_fault) return done(*_fault);
      MemoryStore::lookUp(key, domain, std::move(done));
    });
  }
  void setRoom(std::size_t room) { _room = room; }
  void find(core::Error fault) { _fault = std::move(fault); }
  void goOn() {
    for (auto& each : std::exchange(_waiting, {})) each();
  }

 private:
  std::size_t _room = 100;
  std::optional<core::Error> _fault;
  mutable std::vector<core::UniqueFunction<void()>> _waiting;
};

/// Notes for whose domain it is asked.
class NotingStore final : public MemoryStore {
 public:
  using MemoryStore::MemoryStore;

  void lookUp(std::string node, const std::string& domain, Callback<Found> done) const override {
    _domains.push_back(domain);
    MemoryStore::lookUp(std::move(node), domain, std::move(done));
  }
  void lookUp(const store::DeviceKey& key, const std::string& domain, Callback<Found> done) const override {
    _domains.push_back(domain);
    MemoryStore::lookUp(key, domain, std::move(done));
  }
  std::vector<std::string> domains() const { return std::exchange(_domains, {}); }

 private:
  mutable std::vector<std::string> _domains;
};

/// A proxy on a store that is busy.
struct Busy {
  void ask(const std::string& xml) {
    const auto iq = request(xml);
    p2.proxy->handle(iq, xmpp::Responder(p2.replies, iq.id, iq.from, iq.to));
  }
  void registers(const std::string& token) { ask(registerRequest("ann@jabber.de", kDevice, token)); }
  void withdraws() { ask(unregisterRequest("ann@jabber.de", kDevice)); }
  /// The answer that came as the nth.
  std::string answer(std::size_t nth) const {
    const auto all = p2.replies.all();
    REQUIRE(all.size() == nth);
    return all.back();
  }

  std::unique_ptr<BusyStore> own = std::make_unique<BusyStore>();
  BusyStore& store = *own;
  JumpingClock clock;
  ProxyFixture p2{std::move(own), clock};
};

bool isResult(const std::string& answer) {
  return answer.starts_with("<iq type='result'");
}

bool asksToWait(const std::string& answer) {
  return errorIn(answer) == kTryLater;
}

bool saysNotFound(const std::string& answer) {
  return errorIn(answer) == kItemNotFound;
}

}  // namespace

TEST_CASE("On registrations that answer at once or late, a phone registers, is woken and goes") {
  ProxyFixture p2(registrations(GENERATE(Answers::atOnce, Answers::late)));
  const auto phone = p2.registerPhone("token");
  const auto node = valueOf(phone, "node"), secret = valueOf(phone, "secret");
  REQUIRE_FALSE(node.empty());
  CHECK(valueOf(p2.registerPhone("token2"), "node") == node);
  CHECK(isResult(p2.publish(node, secret)));
  CHECK(p2.sent() == 1);
  CHECK(saysNotFound(p2.publish(node, "wrong")));
  CHECK(saysNotFound(p2.publish("unknown", secret)));
  CHECK(saysNotFound(p2.publish(node, secret, "other.example")));
  CHECK(p2.sent() == 1);
  p2.willAnswer(push::Outcome::Kind::targetGone);
  CHECK(saysNotFound(p2.publish(node, secret)));
  CHECK_FALSE(p2.other->holdsAny());
}

TEST_CASE("Where nothing found is old, whoever is refused costs as many look-ups as others") {
  auto own = std::make_unique<CountingStore>(GENERATE(Answers::atOnce, Answers::late));
  const auto& store = *own;
  ProxyFixture p2(std::move(own));
  const auto phone = p2.registerPhone("token");
  const auto node = valueOf(phone, "node"), secret = valueOf(phone, "secret");
  store.asked();
  CHECK(isResult(p2.publish(node, secret)));
  CHECK(store.asked() == 1);
  CHECK(saysNotFound(p2.publish(node, "wrong")));
  CHECK(store.asked() == 1);
  CHECK(saysNotFound(p2.publish(node, secret, "other.example")));
  CHECK(store.asked() == 1);
  CHECK(saysNotFound(p2.publish("unknown", secret)));
  CHECK(store.asked() == 1);
}

TEST_CASE("The store is told for whose domain each look-up is, so that none keeps the others out") {
  using Domains = std::vector<std::string>;
  auto own = std::make_unique<NotingStore>();
  const NotingStore& store = *own;
  ProxyFixture p2(std::move(own));
  const auto phone = p2.registerPhone("token");
  CHECK(store.domains() == Domains{"jabber.de"});
  p2.publish(valueOf(phone, "node"), valueOf(phone, "secret"));
  CHECK(store.domains() == Domains{"jabber.de"});
  p2.publish("unknown", "secret", "im.Other.example");
  CHECK(store.domains() == Domains{"im.other.example"});
  p2.ask(unregisterRequest("ann@jabber.de", kDevice));
  CHECK(store.domains() == Domains{"jabber.de"});
}

TEST_CASE("While registrations cannot be asked every server and every phone is asked to wait") {
  auto own = registrations(GENERATE(Answers::atOnce, Answers::late));
  auto& store = *own;
  ProxyFixture p2(std::move(own));
  const auto phone = p2.registerPhone("token");
  const auto node = valueOf(phone, "node"), secret = valueOf(phone, "secret");
  store.fail("The database is away.");
  CHECK(asksToWait(p2.publish(node, secret)));
  CHECK(asksToWait(p2.publish("unknown", secret)));
  CHECK(asksToWait(p2.registerPhone("token")));
  CHECK(asksToWait(p2.registerPhone("another", "somebody@jabber.de")));
  CHECK(p2.sent() == 0);
  store.fail("");
  CHECK(isResult(p2.publish(node, secret)));
}

TEST_CASE("A database that fails when a phone is to be removed keeps it, and its server waits") {
  auto own = registrations(Answers::late);
  auto& store = *own;
  ProxyFixture p2(std::move(own));
  const auto phone = p2.registerPhone("token");
  p2.willAnswer(push::Outcome::Kind::targetGone);
  p2.script.with(
      [&store](Script& script) { script.onSend = [&store] { store.fail("The database is away."); }; });
  CHECK(asksToWait(p2.publish(valueOf(phone, "node"), valueOf(phone, "secret"))));
  CHECK(p2.other->holdsAny());
}

TEST_CASE("Nobody is dropped for what was looked up some seconds ago") {
  auto own = std::make_unique<RememberingStore>(GENERATE(Answers::atOnce, Answers::late));
  auto& known = *own;
  ProxyFixture p2(std::move(own));
  const auto phone = p2.registerPhone("token");
  const auto node = valueOf(phone, "node"), secret = valueOf(phone, "secret");
  known.remember(node);
  SECTION("a target that was gone when its phone had registered anew") {
    p2.registerPhone("new");
    p2.willAnswer(push::Outcome::Kind::targetGone);
    CHECK(asksToWait(p2.publish(node, secret)));
    CHECK(store::test::lookedUp(known, node)->target.value.reveal() == "new");
  }
  SECTION("a target that was gone when its registration was, too") {
    known.forget(node, [](const core::Result<bool>& forgotten) { CHECK(forgotten.value()); });
    p2.willAnswer(push::Outcome::Kind::targetGone);
    CHECK(saysNotFound(p2.publish(node, secret)));
  }
  SECTION("another secret and domain") {
    auto row = store::test::lookedUp(known, node).value();
    row.secret = core::Secret("another secret");
    row.domain = "other.example";
    row.lastRegistered += std::chrono::hours(1);
    REQUIRE(importAll(known, {row}).ok());
    CHECK(isResult(p2.publish(node, "another secret", "other.example")));
    CHECK(p2.sent() == 1);
  }
  SECTION("a wrong secret, and nobody knows whether it is") {
    CHECK(saysNotFound(p2.publish(node, "wrong")));
    known.fail("The database is away.");
    CHECK(asksToWait(p2.publish(node, "wrong")));
    CHECK(p2.sent() == 0);
    CHECK(isResult(p2.publish(node, secret)));
  }
}

TEST_CASE("Requests that wait for a store at once are each answered once") {
  ProxyFixture p2(registrations(Answers::late));
  const auto phone = p2.registerPhone("token");
  const auto node = valueOf(phone, "node"), secret = valueOf(phone, "secret");
  constexpr std::size_t kMany = 200;
  for (std::size_t i = 0; i < kMany; ++i) {
    const auto iq = request(i % 2 == 0 ? publishRequest(node, secret, "jabber.de")
                                       : registerRequest("xiaomia1@jabber.de", kDevice, "token", ""));
    p2.proxy->handle(iq, xmpp::Responder(p2.replies, iq.id, iq.from, iq.to));
  }
  const auto answers = p2.replies.waitFor(1 + kMany);
  CHECK(answers.size() == 1 + kMany);
  for (const auto& answer : answers) CHECK(isResult(answer));
}

TEST_CASE(
    "What a phone asks one after the other takes effect in that order, also where a store answers late") {
  ProxyFixture p2(registrations(Answers::late));
  std::size_t asked = 0;
  for (int round = 0; round < 10; ++round) {
    for (const auto& text : {registerRequest("xiaomia1@jabber.de", kDevice, "first", ""),
                             registerRequest("xiaomia1@jabber.de", kDevice, "second", ""),
                             unregisterRequest("xiaomia1@jabber.de", kDevice)}) {
      const auto iq = request(text);
      p2.proxy->handle(iq, xmpp::Responder(p2.replies, iq.id, iq.from, iq.to));
      ++asked;
    }
  }
  for (const auto& answer : p2.replies.waitFor(asked)) CHECK(isResult(answer));
  CHECK_FALSE(p2.other->holdsAny());
}

TEST_CASE("A change that cannot be looked up overtakes none that still waits to be, but is asked to wait") {
  Busy busy;
  const bool withdrawsFirst = GENERATE(true, false), isLate = GENERATE(true, false);
  const auto change = [&](bool withdraws) { withdraws ? busy.withdraws() : busy.registers("token2"); };
  busy.registers("token1");
  busy.store.goOn();
  REQUIRE(isResult(busy.answer(1)));
  change(withdrawsFirst);
  if (isLate) {
    // The second one is given up before it is looked up; the first one, too.
    change(!withdrawsFirst);
    busy.clock.jump(13s);
    busy.p2.proxy->watchStore();
    REQUIRE(busy.p2.replies.all().size() == 3);
    CHECK(asksToWait(busy.p2.replies.all()[1]));
    CHECK(asksToWait(busy.p2.replies.all()[2]));
    CHECK(busy.p2.proxy->storeStandstill().starts_with("it has not answered for 12 s"));
    CHECK(busy.p2.proxy->storeFailsSince());
    std::thread([&] { busy.store.goOn(); }).join();
    CHECK(busy.p2.proxy->storeStandstill().empty());
    CHECK(busy.p2.replies.all().size() == 3);
    CHECK(busy.store.holdsAny());
    return;
  }
  busy.store.setRoom(1);
  change(!withdrawsFirst);
  CHECK(asksToWait(busy.answer(2)));
  CHECK(busy.store.holdsAny());
  busy.store.goOn();
  CHECK(isResult(busy.answer(3)));
  CHECK(busy.store.holdsAny() == !withdrawsFirst);
}

TEST_CASE(
    "A registration whose record is damaged is written anew or withdrawn, one that nobody knows is not") {
  Busy busy;
  const auto kind = GENERATE(core::Error::Kind::damaged, core::Error::Kind::unknown);
  const bool isServed = kind == core::Error::Kind::damaged;
  busy.store.find({"It cannot be read.", kind});
  busy.registers("token1");
  busy.store.goOn();
  CHECK(isResult(busy.answer(1)) == isServed);
  CHECK(asksToWait(busy.answer(1)) != isServed);
  CHECK(busy.store.holdsAny() == isServed);
  CHECK((busy.p2.metrics.total("p2_registrations_created_total") == 0));
  busy.withdraws();
  busy.store.goOn();
  CHECK(isResult(busy.answer(2)) == isServed);
  CHECK_FALSE(busy.store.holdsAny());
}
