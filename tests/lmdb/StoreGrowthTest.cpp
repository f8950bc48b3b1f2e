#include "Stores.h"
#include "store/Samples.h"
#include "support/Catch.h"
#include "support/Eventually.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace p2::lmdb;
using namespace p2::lmdb::test;
using namespace p2::store;
using namespace p2::store::test;
using p2::test::eventually;

namespace {

/// Reads the store, and hangs in that until it is let go: a backup into a pipe from which nobody takes.
class HangingReader {
 public:
  explicit HangingReader(const Store& store) {
    const std::string pipe = (_directory / "data.mdb.partial").string();
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    _end = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    REQUIRE(_end >= 0);
    // Less than the first two pages of any copy.
    ::fcntl(_end, F_SETPIPE_SZ, 1);
    _thread = std::thread([this, &store] { static_cast<void>(store.backup(_directory.path())); });
    pollfd begun{_end, POLLIN, 0};
    _hangs = ::poll(&begun, 1, 60'000) == 1;
  }
  HangingReader(const HangingReader&) = delete;
  HangingReader& operator=(const HangingReader&) = delete;
  ~HangingReader() {
    letGo();
    ::close(_end);
  }

  bool hangs() const { return _hangs; }
  void letGo() {
    if (!_thread.joinable()) return;
    ::fcntl(_end, F_SETFL, 0);
    char bytes[4096];
    while (::read(_end, bytes, sizeof bytes) > 0) continue;
    _thread.join();
  }

 private:
  const TemporaryDirectory _directory;
  int _end = -1;
  bool _hangs = false;
  std::thread _thread;
};

/// Calls what a stream's thread calls, each in a thread of its own, so that one that waits is seen.
class Streams {
 public:
  template <class Call>
  bool comesBack(Call call) {
    _calls.push_back(std::async(std::launch::async, std::move(call)));
    return _calls.back().wait_for(30s) == std::future_status::ready;
  }

 private:
  std::vector<std::future<void>> _calls;
};

template <class Key>
Answer<Registrations::Found> lookingUp(const Store& store, const Key& key) {
  Answer<Registrations::Found> answer;
  store.lookUp(key, "example.org", answer.callback());
  return answer;
}

/// A store whose map must grow, for which a hanging reader is waited for.
struct Growing {
  Growing() {
    options.path = directory.path();
    options.initialMapSize = 1;  // The least there is.
    store = opened(options);
    known = registered(*store, device(0), "token");
    reader = std::make_unique<HangingReader>(*store);
    isFilled = streams.comesBack([this] {
      for (unsigned i = 1; i < 500; ++i) {
        filling.push_back(registering(*store, device(i), std::string(4000, 't')));
      }
    });
  }
  ~Growing() { letGo(); }

  /// Waits until the gate is closed; gives whether all that was called came back meanwhile.
  bool closes() {
    bool came = isFilled;
    if (!came) return false;
    const bool closed = eventually([&] {
      came = streams.comesBack([&] {
        auto look = lookingUp(*store, known.node);
        handedOn = !look.arrived();
        looks.push_back(std::move(look));
      });
      return !came || handedOn;
    });
    return closed && came;
  }
  void letGo() { reader->letGo(); }

  const TemporaryDirectory directory;
  Store::Options options;
  std::unique_ptr<Store> store;
  Registration known;
  std::unique_ptr<HangingReader> reader;
  std::vector<Answer<Registration>> filling;
  bool isFilled = false;
  std::vector<Answer<Registrations::Found>> looks;
  std::atomic<bool> handedOn{false};
  Streams streams;
};

}  // namespace

TEST_CASE("While the map waits for a reader that hangs, a stream waits for neither, and is answered later") {
  Growing growing;
  Store& store = *growing.store;
  const Registration& known = growing.known;
  REQUIRE(growing.reader->hangs());
  const auto size = store.statistics();
  const bool looksCome = growing.closes();
  CHECK(looksCome);
  if (!looksCome) return growing.letGo();
  CHECK(growing.streams.comesBack([&] { growing.looks.push_back(lookingUp(store, device(0))); }));
  Answer<Registration> again;
  CHECK(growing.streams.comesBack([&] { again = registering(store, device(0), "token"); }));
  Answer<bool> replaced, forgotten, withdrawn;
  Answer<Removal> removed;
  CHECK(growing.streams.comesBack([&] {
    store.replaceTarget(known.node, token("other"), token("new"), replaced.callback());
    store.removeIfHolds(known.node, token("other"), removed.callback());
    store.forget("unknown", forgotten.callback());
    store.unregister(device(1000), "example.org", withdrawn.callback());
  }));
  bool holdsAny = false;
  Store::Statistics meanwhile;
  CHECK(growing.streams.comesBack([&] {
    holdsAny = store.holdsAny();
    meanwhile = store.statistics();
  }));
  CHECK(holdsAny);
  CHECK(meanwhile.registrations >= size.registrations);
  CHECK(meanwhile.mapBytes == size.mapBytes);
  CHECK_FALSE(growing.looks.back().arrived());
  CHECK_FALSE(again.arrived());
  CHECK_FALSE(replaced.arrived());
  CHECK_FALSE(removed.arrived());
  growing.letGo();
  for (const auto& look : growing.looks) CHECK(look.value() == known);
  CHECK(again.value() == known);
  CHECK_FALSE(replaced.value());
  CHECK(removed.value() == Removal::holdsOther);
  CHECK_FALSE(forgotten.value());
  CHECK_FALSE(withdrawn.value());
  for (const auto& answer : growing.filling) CHECK(answer.get().ok());
  CHECK(store.statistics().mapBytes > size.mapBytes);
  CHECK(store.statistics().registrations == 500);
}

TEST_CASE("What is asked of one device while the map waits is answered in the order in which it was asked") {
  Growing growing;
  REQUIRE(growing.closes());
  Store& store = *growing.store;
  std::vector<int> order;
  std::vector<Answer<Registrations::Found>> answers(20);
  for (int i = 0; i < 20; ++i) {
    // The map has grown when the second half is asked, which could be answered at once.
    if (i == 10) growing.letGo();
    store.lookUp(device(0), "example.org",
                 [&order, i, done = answers[static_cast<std::size_t>(i)].callback()](
                     p2::core::Result<Registrations::Found> found) mutable {
                   order.push_back(i);
                   done(std::move(found));
                 });
  }
  for (const auto& answer : answers) CHECK(answer.value() == growing.known);
  CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("A phone that registers and withdraws while the map waits is withdrawn, however it was looked up") {
  Growing growing;
  REQUIRE(growing.closes());
  Store& store = *growing.store;
  Answer<Registration> registration;
  Answer<bool> withdrawn;
  // Each looks first, as those who serve phones do.
  store.lookUp(device(0), "example.org", [&](const p2::core::Result<Registrations::Found>&) {
    store.registerDevice(device(0), "example.org", token("new"), registration.callback());
  });
  growing.letGo();
  store.lookUp(device(0), "example.org", [&](const p2::core::Result<Registrations::Found>&) {
    store.unregister(device(0), "example.org", withdrawn.callback());
  });
  CHECK(registration.value().node == growing.known.node);
  CHECK(withdrawn.value());
  CHECK_FALSE(lookedUp(store, device(0)));
}

TEST_CASE("A store that closes while its map waits answers whatever was asked") {
  Growing growing;
  REQUIRE(growing.closes());
  std::vector<Answer<bool>> forgotten(20);
  for (auto& answer : forgotten) growing.store->forget("unknown", answer.callback());
  std::thread closing([&] { growing.store.reset(); });
  growing.letGo();
  closing.join();
  for (const auto& answer : forgotten) CHECK(answer.arrived());
  for (const auto& answer : growing.filling) CHECK(answer.value().target == token(std::string(4000, 't')));
}
