#include "Stores.h"
#include "store/Samples.h"
#include "support/Catch.h"
#include "support/ImportAll.h"

#include <vector>

using namespace p2::lmdb;
using namespace p2::lmdb::test;
using namespace p2::store;
using namespace p2::store::test;

namespace {

constexpr std::chrono::hours kAfter{6480};

struct Aged {
  TemporaryDirectory directory;
  HandClock clock;
  std::unique_ptr<Store> store;

  /// `old` registrations, then `young` ones a year later.
  Aged(unsigned old, unsigned young, std::size_t queueCapacity = 10000) {
    Store::Options options;
    options.path = directory.path();
    options.clock = &clock;
    options.queueCapacity = queueCapacity;
    store = opened(options);
    std::vector<Registration> rows;
    for (unsigned i = 0; i < old + young; ++i) {
      rows.push_back(imported(i, i < old ? clock.time() : clock.time() + 8760h));
    }
    REQUIRE(p2::test::importAll(*store, rows).ok());
    store->setServing(true);
    clock.advance(8760h);
  }

  Store::Swept expired(std::size_t atMost) const {
    Answer<Store::Swept> answer;
    store->removeExpired(kAfter, atMost, answer.callback());
    return answer.value();
  }
};

}  // namespace

TEST_CASE("Registrations not renewed for long enough are removed, and only those") {
  const Aged aged(2600, 1300);
  const auto expiry = aged.expired(100000);
  CHECK(expiry.changed == 2600);
  CHECK_FALSE(expiry.more);
  CHECK(aged.store->statistics().registrations == 1300);
  CHECK_FALSE(found(*aged.store, device(0)));
  CHECK_FALSE(found(*aged.store, imported(0).node));
  CHECK(found(*aged.store, device(2600)));
  CHECK(aged.expired(100000).changed == 0);
}

TEST_CASE("Expiry stops at the number it was given and says that there is more") {
  const Aged aged(1200, 10);
  auto expiry = aged.expired(700);
  CHECK(expiry.changed == 700);
  CHECK(expiry.more);
  CHECK(aged.store->statistics().registrations == 510);
  expiry = aged.expired(700);
  CHECK(expiry.changed == 500);
  CHECK_FALSE(expiry.more);
  CHECK(aged.expired(0).changed == 0);
}

TEST_CASE("Other changes go between the steps of an expiry, and what they renew stays") {
  const Aged aged(5000, 0);
  HeldWriter held(*aged.store);
  Answer<Store::Swept> expiry;
  aged.store->removeExpired(kAfter, 100000, expiry.callback());
  // In the order of the nodes it comes late.
  Registration last = imported(0);
  for (unsigned i = 1; i < 5000; ++i) {
    if (imported(i).node > last.node) last = imported(i);
  }
  const auto renewal = registering(*aged.store, last.key, last.target.value.reveal());
  held.release();
  CHECK(renewal.value().node == last.node);
  CHECK(expiry.value().changed == 4999);
  CHECK(found(*aged.store, last.key)->lastRegistered == aged.clock.time());
}

TEST_CASE("An expiry whose next step finds the queue full says what it removed and that there is more") {
  const Aged aged(2000, 0, 2);
  HeldWriter held(*aged.store);
  const DeviceKey nobody{Service::fcm, "nobody's device", ""};
  // Told before the expiry's first step, with which it is written: from then on the queue is full.
  aged.store->unregister(nobody, "", [&](const p2::core::Result<bool>&) {
    for (int i = 0; i < 2; ++i) aged.store->unregister(nobody, "", [](const p2::core::Result<bool>&) {});
  });
  Answer<Store::Swept> expiry;
  aged.store->removeExpired(kAfter, 100000, expiry.callback());
  held.release();
  CHECK(expiry.value().changed == 500);
  CHECK(expiry.value().more);
}

TEST_CASE("An expiry that finds the queue full at once is refused") {
  const Aged aged(10, 0, 1);
  const HeldWriter held(*aged.store);
  Answer<Store::Swept> waiting;
  aged.store->removeExpired(kAfter, 100000, waiting.callback());
  Answer<Store::Swept> refused;
  aged.store->removeExpired(kAfter, 100000, refused.callback());
  REQUIRE(refused.arrived());
  CHECK_FALSE(refused.get().ok());
}

TEST_CASE("A store that closes ends an expiry") {
  Aged aged(3000, 0);
  Answer<Store::Swept> expiry;
  aged.store->removeExpired(kAfter, 100000, expiry.callback());
  aged.store.reset();
  REQUIRE(expiry.arrived());
  REQUIRE(expiry.get().ok());
  CHECK(expiry.value().changed >= 500);
  CHECK(expiry.value().more == (expiry.value().changed < 3000));
}

namespace {

/// A p2 with a phone that renews and one that is silent, and what befalls it.
class Machine {
 public:
  Machine() {
    open();
    live(10);
    static_cast<void>(registered(*_store, kSilent, "token"));
  }

  HandClock clock;

  void open() {
    Store::Options options;
    options.path = _directory.path();
    options.clock = &clock;
    _store = opened(options);
    _store->setServing(true);
  }
  void close() {
    _store->setServing(false);
    save();
    _store.reset();
  }
  /// Without a word to the store.
  void crash() { _store.reset(); }
  void disconnect() { _store->setServing(false); }
  void connect() { _store->setServing(true); }

  /// The daily life: the clock is right enough, the phone renews, expiry runs.
  void live(unsigned days) {
    for (unsigned day = 0; day < days; ++day) {
      for (int hour = 0; hour < 24; ++hour) {
        clock.advance(1h);
        if (_expiring) expire();
      }
      save();
      static_cast<void>(registered(*_store, kBusy, "token"));
    }
  }

  void expire() {
    Answer<Store::Swept> answer;
    _store->removeExpired(24h * 30, 1000, answer.callback());
    _removed += answer.value().changed;
  }
  void setExpiring(bool expiring) { _expiring = expiring; }

  std::uint64_t removed() const { return _removed; }
  bool hasSilent() const { return found(*_store, kSilent).has_value(); }
  bool hasBusy() const { return found(*_store, kBusy).has_value(); }
  Store& store() { return *_store; }

 private:
  void save() {
    Answer<void> saved;
    _store->saveServiceTime(saved.callback());
    REQUIRE(saved.get().ok());
  }

  static inline const DeviceKey kBusy = device(1);
  static inline const DeviceKey kSilent = device(2);

  TemporaryDirectory _directory;
  std::unique_ptr<Store> _store;
  bool _expiring = true;
  std::uint64_t _removed = 0;
};

struct Mishap {
  const char* name;
  void (*befall)(Machine& machine);
};

const Mishap kMishaps[] = {
    {"the clock is 60 days ahead for a minute",
     [](Machine& machine) {
       machine.clock.jump(24h * 60);
       machine.clock.advance(1min);
       machine.expire();
       machine.clock.jump(-24h * 60);
     }},
    {"the clock is 60 days ahead for a day in which phones register",
     [](Machine& machine) {
       machine.clock.jump(24h * 60);
       machine.live(1);
       machine.clock.jump(-24h * 60);
     }},
    {"the clock is 60 days behind for a day in which phones register",
     [](Machine& machine) {
       machine.clock.jump(-24h * 60);
       machine.live(1);
       machine.clock.jump(24h * 60);
     }},
    {"the clock stands at 1970 at the start, phones register, then it is right",
     [](Machine& machine) {
       machine.close();
       const auto now = machine.clock.time();
       machine.clock.set(Registration::Time{});
       machine.open();
       for (unsigned i = 10; i < 20; ++i) {
         machine.clock.advance(20s);
         static_cast<void>(registered(machine.store(), device(i), "token"));
       }
       machine.expire();
       machine.crash();
       machine.open();
       machine.clock.set(now + 5min);
       machine.expire();
     }},
    {"the machine is off for 60 days",
     [](Machine& machine) {
       machine.close();
       machine.clock.advance(24h * 60);
       machine.open();
       machine.expire();
     }},
    {"it dies and is off for 60 days",
     [](Machine& machine) {
       machine.crash();
       machine.clock.advance(24h * 60);
       machine.open();
       machine.expire();
     }},
    {"it is not connected for 60 days",
     [](Machine& machine) {
       machine.disconnect();
       for (int day = 0; day < 60; ++day) {
         machine.clock.advance(24h);
         machine.expire();
       }
       machine.connect();
       machine.expire();
     }},
    {"it is suspended for 60 days",
     [](Machine& machine) {
       machine.clock.jump(24h * 60);
       machine.expire();
     }},
    {"its connection flaps a thousand times",
     [](Machine& machine) {
       for (int i = 0; i < 1000; ++i) {
         machine.clock.advance(30s);
         machine.disconnect();
         machine.clock.advance(30s);
         machine.connect();
       }
       machine.expire();
     }},
    {"its clock jumps ahead each day, and never back",
     [](Machine& machine) {
       for (int i = 0; i < 10; ++i) {
         machine.clock.jump(24h * 10);
         machine.live(1);
       }
     }},
};

}  // namespace

TEST_CASE("No mistake of a clock, and no time in which p2 was not there, removes a registration") {
  for (const Mishap& mishap : kMishaps) {
    for (const bool expiring : {true, false}) {
      INFO(mishap.name << (expiring ? ", expiry is on" : ", expiry is switched on afterwards"));
      Machine machine;
      machine.setExpiring(expiring);
      mishap.befall(machine);
      machine.setExpiring(true);
      machine.live(2);
      CHECK(machine.removed() == 0);
      CHECK(machine.hasSilent());
      // Who is silent for all the time goes all the same, and who renews stays.
      machine.live(90);
      CHECK_FALSE(machine.hasSilent());
      CHECK(machine.hasBusy());
    }
  }
}
