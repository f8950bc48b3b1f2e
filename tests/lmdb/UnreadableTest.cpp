#include "RawStore.h"
#include "Stores.h"
#include "store/Samples.h"
#include "support/Catch.h"
#include "support/ImportAll.h"

#include <functional>
#include <vector>

using namespace p2::lmdb;
using namespace p2::lmdb::test;
using namespace p2::store;
using namespace p2::store::test;
using p2::test::RowList;

namespace {

constexpr unsigned kCount = 1000;

struct Damage {
  const char* name;
  std::string (*record)(const std::string& sound);
};

// A sound record of this size begins with version 1, FCM, a registration token.
const Damage kDamages[] = {
    {"of a newer version",
     [](const std::string& sound) {
       auto record = sound;
       record[0] = 2;
       return record + "more";
     }},
    {"cut short", [](const std::string& sound) { return sound.substr(0, sound.size() / 2); }},
    {"garbage", [](const std::string&) { return std::string("nonsense\xff\x00\x01", 11); }},
    {"empty", [](const std::string&) { return std::string(); }},
};

/// The bytes that the store has for this registration, as README.md has them.
std::string recordOf(const Registration& registration) {
  std::string record("\x01\x01\x00", 3);
  const auto number = [&record](std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) record.push_back(static_cast<char>(value >> (8 * i) & 0xFFU));
  };
  number(static_cast<std::uint64_t>(registration.created.time_since_epoch().count()), 8);
  number(static_cast<std::uint64_t>(registration.lastRegistered.time_since_epoch().count()), 8);
  for (const auto& text : {registration.key.device, registration.key.channel, registration.domain,
                           registration.target.value.reveal(), registration.secret.reveal()}) {
    number(text.size(), 2);
    record += text;
  }
  return record;
}

/// A store of many registrations, of which one in the middle cannot be read.
struct Hurt {
  TemporaryDirectory directory;
  HandClock clock;
  Registration hurt = imported(0);
  std::unique_ptr<Store> store;

  explicit Hurt(const Damage& damage) {
    std::vector<Registration> rows;
    for (unsigned i = 0; i < kCount; ++i) rows.push_back(imported(i, clock.time()));
    std::sort(rows.begin(), rows.end(),
              [](const auto& one, const auto& other) { return one.node < other.node; });
    hurt = rows[kCount / 2];
    open();
    REQUIRE(p2::test::importAll(*store, rows).ok());
    store.reset();
    putRaw(directory.path(), "targets", hurt.node, damage.record(recordOf(hurt)));
    open();
  }

  void open(bool keepDomain = true) {
    store.reset();
    Store::Options options;
    options.path = directory.path();
    options.clock = &clock;
    options.keepDomain = keepDomain;
    store = opened(options);
    store->setServing(true);
  }

  /// How many can be read; the others are counted in `unreadable`.
  unsigned readable(unsigned& unreadable) const {
    unsigned count = 0;
    unreadable = 0;
    const auto walked = store->forEach([&](const Registration&) { return ++count > 0; },
                                       [&](std::string_view node, const std::string& why) {
                                         ++unreadable;
                                         CHECK(node == hurt.node);
                                         CHECK_FALSE(why.empty());
                                       });
    REQUIRE(walked.ok());
    return count;
  }
  unsigned readable() const {
    unsigned ignored = 0;
    return readable(ignored);
  }
};

struct Operation {
  const char* name;
  void (*run)(Hurt& hurt);
};

const Operation kOperations[] = {
    {"a walk passes over it and counts it",
     [](Hurt& hurt) {
       unsigned unreadable = 0;
       CHECK(hurt.readable(unreadable) == kCount - 1);
       CHECK(unreadable == 1);
     }},
    {"looking it up is an error that does not name it",
     [](Hurt& hurt) {
       const auto byNode = hurt.store->find(hurt.hurt.node);
       const auto byKey = hurt.store->find(hurt.hurt.key);
       REQUIRE_FALSE(byNode.ok());
       REQUIRE_FALSE(byKey.ok());
       CHECK(byNode.error() == byKey.error());
       CHECK(byNode.error().find(hurt.hurt.node.substr(0, 4)) == std::string::npos);
       CHECK(found(*hurt.store, imported(1).node) == imported(1));
     }},
    {"its phone registers anew under the same node",
     [](Hurt& hurt) {
       const auto mended = registered(*hurt.store, hurt.hurt.key, "new token");
       CHECK(mended.node == hurt.hurt.node);
       CHECK_FALSE(mended.secret == hurt.hurt.secret);
       CHECK(found(*hurt.store, hurt.hurt.key) == mended);
       CHECK(hurt.readable() == kCount);
     }},
    {"its phone withdraws",
     [](Hurt& hurt) {
       CHECK(unregistered(*hurt.store, hurt.hurt.key));
       CHECK_FALSE(unregistered(*hurt.store, hurt.hurt.key));
       CHECK(hurt.store->statistics().registrations == kCount - 1);
       CHECK_FALSE(found(*hurt.store, hurt.hurt.key));
     }},
    {"it is forgotten, and the entry of its device with it",
     [](Hurt& hurt) {
       Answer<bool> forgotten;
       hurt.store->forget(hurt.hurt.node, forgotten.callback());
       CHECK(forgotten.value());
       CHECK_FALSE(found(*hurt.store, hurt.hurt.node));
       const auto again = registered(*hurt.store, hurt.hurt.key, "token");
       CHECK_FALSE(again.node == hurt.hurt.node);
       CHECK(hurt.readable() == kCount);
     }},
    {"whether it holds a target cannot be told, so it is not removed for one",
     [](Hurt& hurt) {
       Answer<Removal> removal;
       hurt.store->removeIfHolds(hurt.hurt.node, hurt.hurt.target, removal.callback());
       CHECK_FALSE(removal.get().ok());
       Answer<bool> replaced;
       hurt.store->replaceTarget(hurt.hurt.node, hurt.hurt.target, token("new"), replaced.callback());
       CHECK_FALSE(replaced.get().ok());
       CHECK(hurt.store->statistics().registrations == kCount);
       CHECK(hurt.store->lastFault().empty());
     }},
    {"expiry removes the others",
     [](Hurt& hurt) {
       hurt.clock.advance(24h * 400);
       Answer<Store::Swept> swept;
       hurt.store->removeExpired(24h * 270, 100000, swept.callback());
       CHECK(swept.value().changed == kCount - 1);
       CHECK(swept.value().unreadable == 1);
       CHECK_FALSE(swept.value().more);
       CHECK(hurt.store->statistics().registrations == 1);
     }},
    {"the others' domains are dropped",
     [](Hurt& hurt) {
       hurt.open(false);
       Answer<Store::Swept> swept;
       hurt.store->dropDomains(swept.callback());
       CHECK(swept.value().changed == kCount - 1);
       CHECK(swept.value().unreadable == 1);
     }},
    {"an import brings it back",
     [](Hurt& hurt) {
       const auto report = p2::test::importAll(*hurt.store, std::vector<Registration>{hurt.hurt});
       REQUIRE(report.ok());
       CHECK(report.value().imported);
       CHECK(report.value().updated == 1);
       CHECK(found(*hurt.store, hurt.hurt.node) == hurt.hurt);
     }},
    {"an import cannot give its node to another device",
     [](Hurt& hurt) {
       Registration other = imported(kCount + 1);
       other.node = hurt.hurt.node;
       RowList source({other});
       const auto refused = hurt.store->importRows(source);
       REQUIRE(refused.ok());
       CHECK_FALSE(refused.value().imported);
       REQUIRE(source.faults.size() == 1);
       CHECK(source.faults[0].second == "Its node is in the store for another device.");
       CHECK_FALSE(found(*hurt.store, other.key));
     }},
    {"a backup has it, too",
     [](Hurt& hurt) {
       REQUIRE(hurt.store->backup(hurt.directory / "copy").ok());
       const auto copy = Store::openReadOnly(hurt.directory / "copy");
       REQUIRE(copy.ok());
       CHECK(copy.value()->statistics().registrations == kCount);
     }},
    {"its neighbours are renewed in the same commit",
     [](Hurt& hurt) {
       HeldWriter held(*hurt.store);
       Answer<Removal> removal;
       hurt.store->removeIfHolds(hurt.hurt.node, hurt.hurt.target, removal.callback());
       const auto good = registering(*hurt.store, imported(1).key, "new");
       held.release();
       CHECK_FALSE(removal.get().ok());
       CHECK(good.get().ok());
     }},
};

}  // namespace

TEST_CASE("One record that cannot be read hinders nothing but itself") {
  for (const Damage& damage : kDamages) {
    for (const Operation& operation : kOperations) {
      INFO("a record " << damage.name << ": " << operation.name);
      Hurt hurt(damage);
      operation.run(hurt);
    }
  }
}
