#include "daemon/Expiry.h"
#include "p2/lmdb/Store.h"
#include "support/Catch.h"
#include "support/Eventually.h"
#include "support/ImportAll.h"
#include "support/JumpingClock.h"
#include "support/TemporaryDirectory.h"

#include <future>
#include <memory>
#include <string>

using namespace std::chrono_literals;
using p2::app::Expiry;
using p2::core::ScaledClock;
using p2::core::Secret;
using p2::core::Target;
using p2::lmdb::Store;
using p2::store::DeviceKey;
using p2::store::Registration;
using p2::store::Service;
using p2::test::eventually;

namespace {

/// 40 characters that end with `number`.
std::string device(int number) {
  const std::string digits = std::to_string(number);
  return std::string(40 - digits.size(), '0') + digits;
}

Registration registeredAt(int number, Registration::Time time) {
  Registration row;
  row.node = std::to_string(number);
  row.node.resize(12, 'n');
  row.secret = Secret(std::string(24, 's'));
  row.key = {Service::fcm, device(number), ""};
  row.domain = "example.org";
  row.target = {Target::Kind::registrationToken, Secret("token")};
  row.created = row.lastRegistered = time;
  return row;
}

/// A store in which each of `count` rows was registered `age` ago, all the time of which phones could reach
/// p2.
std::unique_ptr<Store> storeWith(const p2::test::TemporaryDirectory& directory, p2::test::JumpingClock& time,
                                 int count, std::chrono::hours age) {
  Store::Options options;
  options.path = directory.path() / "store";
  options.clock = &time;
  auto store = std::move(Store::open(options)).value();
  std::vector<Registration> rows;
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  for (int i = 0; i < count; ++i) rows.push_back(registeredAt(i, now));
  REQUIRE(p2::test::importAll(*store, rows).value().added == static_cast<unsigned>(count));
  store->setServing(true);
  time.jump(age);
  return store;
}

void awaitCount(const Store& store, std::uint64_t count) {
  eventually([&] { return store.statistics().registrations == count; });
  CHECK(store.statistics().registrations == count);
}

}  // namespace

TEST_CASE("Registrations that were not renewed for long enough are removed, the others stay") {
  const p2::test::TemporaryDirectory directory;
  p2::test::JumpingClock time;
  const auto store = storeWith(directory, time, 12000, 24h * 300);
  std::promise<void> registered;
  store->registerDevice({Service::fcm, device(3), ""}, "example.org",
                        {Target::Kind::registrationToken, Secret("token")},
                        [&](const p2::core::Result<Registration>&) { registered.set_value(); });
  registered.get_future().wait();
  const ScaledClock clock(600);
  const Expiry expiry(*store, 24h * 270, clock);
  awaitCount(*store, 1);
  CHECK(store->find(DeviceKey{Service::fcm, device(3), ""}).value());
}

TEST_CASE("Zero keeps everything, and a change takes effect with the next run") {
  const p2::test::TemporaryDirectory directory;
  p2::test::JumpingClock time;
  const auto store = storeWith(directory, time, 10, 24h * 3000);
  const ScaledClock clock(3600);
  Expiry expiry(*store, 0s, clock);
  const auto afterFirstRun = clock.now() + Expiry::kFirst + 1min;
  REQUIRE(eventually([&] { return clock.now() >= afterFirstRun; }));
  CHECK(store->statistics().registrations == 10);
  expiry.setExpireAfter(24h * 270);
  awaitCount(*store, 0);
}

TEST_CASE("How long phones could reach p2 is stored at the end") {
  const p2::test::TemporaryDirectory directory;
  p2::test::JumpingClock time;
  auto store = storeWith(directory, time, 10, 24h * 300);
  { const Expiry expiry(*store, 0s); }
  store.reset();
  Store::Options options;
  options.path = directory.path() / "store";
  options.clock = &time;
  store = std::move(Store::open(options)).value();
  const ScaledClock clock(600);
  const Expiry expiry(*store, 24h * 270, clock);
  awaitCount(*store, 0);
}

TEST_CASE("Registrations that are old by their dates alone stay") {
  const p2::test::TemporaryDirectory directory;
  p2::test::JumpingClock time;
  const auto store = storeWith(directory, time, 10, 0h);
  store->setServing(false);
  time.jump(24h * 300);
  store->setServing(true);
  const ScaledClock clock(3600);
  const Expiry expiry(*store, 24h * 270, clock);
  const auto afterFirstRun = clock.now() + Expiry::kFirst + 1min;
  REQUIRE(eventually([&] { return clock.now() >= afterFirstRun; }));
  CHECK(store->statistics().registrations == 10);
}
