#include "Samples.h"
#include "support/Catch.h"

#include <vector>

using namespace p2::store;
using namespace p2::store::test;

namespace {

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
    REQUIRE(store->importAll(rows).ok());
    clock.advance(8760h);
  }

  Registration::Time limit() const { return clock.time() - 6480h; }

  Store::Expiry expired(std::size_t atMost) const {
    Answer<Store::Expiry> answer;
    store->removeExpired(limit(), atMost, answer.callback());
    return answer.value();
  }
};

}  // namespace

TEST_CASE("Registrations not renewed for long enough are removed, and only those") {
  const Aged aged(2600, 1300);
  const auto expiry = aged.expired(100000);
  CHECK(expiry.removed == 2600);
  CHECK_FALSE(expiry.more);
  CHECK(aged.store->statistics().registrations == 1300);
  CHECK_FALSE(found(*aged.store, device(0)));
  CHECK_FALSE(found(*aged.store, imported(0).node));
  CHECK(found(*aged.store, device(2600)));
  CHECK(aged.expired(100000).removed == 0);
}

TEST_CASE("Expiry stops at the number it was given and says that there is more") {
  const Aged aged(1200, 10);
  auto expiry = aged.expired(700);
  CHECK(expiry.removed == 700);
  CHECK(expiry.more);
  CHECK(aged.store->statistics().registrations == 510);
  expiry = aged.expired(700);
  CHECK(expiry.removed == 500);
  CHECK_FALSE(expiry.more);
  CHECK(aged.expired(0).removed == 0);
}

TEST_CASE("Other changes go between the steps of an expiry, and what they renew stays") {
  const Aged aged(5000, 0);
  HeldWriter held(*aged.store);
  Answer<Store::Expiry> expiry;
  aged.store->removeExpired(aged.limit(), 100000, expiry.callback());
  // In the order of the nodes it comes late.
  Registration last = imported(0);
  for (unsigned i = 1; i < 5000; ++i) {
    if (imported(i).node > last.node) last = imported(i);
  }
  const auto renewal = registering(*aged.store, last.key, last.target.value.reveal());
  held.release();
  CHECK(renewal.value().node == last.node);
  CHECK(expiry.value().removed == 4999);
  CHECK(found(*aged.store, last.key)->lastRegistered == aged.clock.time());
}

TEST_CASE("An expiry whose next step finds the queue full says what it removed and that there is more") {
  const Aged aged(2000, 0, 1);
  HeldWriter held(*aged.store);
  Answer<Store::Expiry> expiry;
  aged.store->removeExpired(aged.limit(), 100000, expiry.callback());
  Answer<Store::Expiry> refused;
  aged.store->removeExpired(aged.limit(), 100000, refused.callback());
  REQUIRE(refused.arrived());
  CHECK_FALSE(refused.get().ok());
  held.release();
  CHECK(expiry.value().removed == 2000);
}

TEST_CASE("A store that closes ends an expiry") {
  Aged aged(3000, 0);
  Answer<Store::Expiry> expiry;
  aged.store->removeExpired(aged.limit(), 100000, expiry.callback());
  aged.store.reset();
  REQUIRE(expiry.arrived());
  REQUIRE(expiry.get().ok());
  CHECK(expiry.value().removed >= 500);
  CHECK(expiry.value().more == (expiry.value().removed < 3000));
}
