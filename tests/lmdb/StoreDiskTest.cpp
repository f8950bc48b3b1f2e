#include "ChildProcess.h"
#include "IoFaults.h"
#include "Stores.h"
#include "store/Samples.h"
#include "support/Catch.h"

#include <signal.h>
#include <sys/resource.h>

#include <cerrno>
#include <map>
#include <vector>

using namespace p2::lmdb;
using namespace p2::lmdb::test;
using namespace p2::store;
using namespace p2::store::test;

namespace {

Store::Options at(const TemporaryDirectory& directory, const HandClock& clock) {
  Store::Options options;
  options.path = directory.path();
  options.clock = &clock;
  return options;
}

/// No file of this process may grow beyond so many bytes, while it lives.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    _handler = ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &_before);
    const rlimit limit{bytes, _before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &_before);
    ::signal(SIGXFSZ, _handler);
  }

 private:
  rlimit _before{};
  void (*_handler)(int) = SIG_DFL;
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("A disk that is full fails what cannot be written, and nothing else, until there is room again") {
  const TemporaryDirectory directory;
  HandClock clock;
  auto store = opened(at(directory, clock));
  const Registration known = registered(*store, device(1), "token");
  CHECK(store->lastFault().empty());
  clock.advance(25h);
  {
    const FileSizeLimit limit(8192);
    HeldWriter held(*store);
    std::vector<Answer<Registration>> answers;
    for (unsigned i = 2; i < 10; ++i) answers.push_back(registering(*store, device(i), "token"));
    const auto renewal = registering(*store, device(1), "token");
    Answer<Removal> removal;
    store->removeIfHolds(known.node, token("token"), removal.callback());
    held.release();
    for (const auto& answer : answers) {
      REQUIRE_FALSE(answer.get().ok());
      CHECK(contains(answer.get().error(), directory.path().string()));
      CHECK(contains(answer.get().error(), "is full. Free some space"));
    }
    CHECK_FALSE(removal.get().ok());
    // The phone's registration is as it asked for; only its time could not be renewed.
    CHECK(renewal.value() == known);
    CHECK(contains(store->lastFault(), "is full"));
    CHECK(found(*store, known.node) == known);
    CHECK_FALSE(found(*store, device(2)));
    // A batch that has nothing to write does not hide the fault.
    CHECK_FALSE(unregistered(*store, device(99)));
    CHECK(contains(store->lastFault(), "is full"));
  }
  const Registration after = registered(*store, device(2), "token");
  CHECK(store->lastFault().empty());
  CHECK(registered(*store, device(1), "token").lastRegistered == clock.time());
  store.reset();
  store = opened(at(directory, clock));
  CHECK(found(*store, known.node)->secret == known.secret);
  CHECK(found(*store, after.node) == after);
  CHECK(store->statistics().registrations == 2);
}

TEST_CASE("A real disk that fills up loses nothing that was answered, and service resumes") {
  const TemporaryDirectory directory;
  ChildProcess child({"full", directory.path().string()});
  const std::string first = child.line().value_or("");
  if (first == "skip") {
    WARN("skipped: no mount name space for this user");
    return;
  }
  CHECK(contains(first, "is full. Free some space"));
  CHECK(contains(child.line().value_or(""), "is full"));
  CHECK(child.line() == "resumed");
  CHECK(child.line() == "fault: ");
  CHECK(child.line() == "lost 0");
  CHECK(child.finish() == 0);
}

TEST_CASE("Whichever write or sync of a commit fails: what was answered stays, and the next commit works") {
  const int code = GENERATE(ENOSPC, EIO);
  const TemporaryDirectory directory;
  HandClock clock;
  auto store = opened(at(directory, clock));
  std::map<std::string, Registration> promised;
  const auto promise = [&](const Registration& registration) { promised[registration.node] = registration; };
  for (unsigned i = 0; i < 300; ++i) promise(registered(*store, device(i), std::string(300, 't')));
  int fired = 0;
  unsigned next = 1000;
  for (int call = 0; call < 200; ++call) {
    INFO("call " << call);
    IoFaults faults;
    faults.fail(call, 1, code);
    HeldWriter held(*store);
    std::vector<Answer<Registration>> answers;
    for (int i = 0; i < 20; ++i) answers.push_back(registering(*store, device(next++), "token"));
    held.release();
    for (const auto& answer : answers) {
      const bool ok = answer.get().ok();  // First: only then it is known what has failed.
      CHECK(ok == (faults.failed() == 0));
      if (answer.get().ok()) promise(answer.value());
    }
    if (faults.failed() == 0) break;
    ++fired;
    CHECK_FALSE(store->lastFault().empty());
    CHECK(lookedUp(*store, promised.begin()->first) == promised.begin()->second);
    CHECK(found(*store, promised.begin()->first) == promised.begin()->second);
    promise(registered(*store, device(next++), "token"));
    CHECK(store->lastFault().empty());
  }
  // Pages, sync, and the page that makes them count.
  CHECK(fired >= 3);
  CHECK(fired < 200);
  CHECK(store->statistics().registrations == promised.size());
  store.reset();
  store = opened(at(directory, clock));
  for (const auto& [node, registration] : promised) CHECK(found(*store, node) == registration);
  CHECK(store->statistics().registrations == promised.size());
}

TEST_CASE("A disk that fails for a while fails every batch meanwhile and none afterwards") {
  const TemporaryDirectory directory;
  HandClock clock;
  const auto store = opened(at(directory, clock));
  const Registration known = registered(*store, device(0), "token");
  {
    IoFaults faults;
    faults.fail(0, 1'000'000, EIO);
    for (unsigned i = 1; i < 20; ++i) {
      const auto answer = registering(*store, device(i), "token");
      REQUIRE_FALSE(answer.get().ok());
      CHECK(contains(answer.get().error(), "input/output error"));
    }
    CHECK(found(*store, device(0)) == known);
  }
  for (unsigned i = 1; i < 20; ++i) CHECK(registering(*store, device(i), "token").get().ok());
}

TEST_CASE("A map that cannot grow fails the batch, and smaller ones and later ones work") {
  const TemporaryDirectory directory;
  HandClock clock;
  Store::Options options = at(directory, clock);
  options.initialMapSize = 65536;
  const auto store = opened(options);
  const auto size = store->statistics().mapBytes;
  unsigned answered = 0;
  {
    const FileSizeLimit limit(static_cast<rlim_t>(size));
    auto answer = registering(*store, device(0), std::string(1000, 't'));
    while (answer.get().ok()) answer = registering(*store, device(++answered), std::string(1000, 't'));
    CHECK(contains(answer.get().error(), "cannot be enlarged"));
    CHECK(store->statistics().mapBytes == size);
    CHECK(found(*store, device(0)));
  }
  CHECK(answered > 0);
  CHECK(registering(*store, device(answered), std::string(1000, 't')).get().ok());
  CHECK(store->statistics().mapBytes == 2 * size);
  CHECK(store->statistics().registrations == answered + 1);
}
