#include "Lookups.h"
#include "ProcessMemory.h"
#include "Residency.h"
#include "p2/lmdb/Files.h"
#include "p2/store/RegistrableDomain.h"
#include "store/Flood.h"
#include "store/Samples.h"
#include "support/Catch.h"
#include "support/Emulator.h"
#include "support/Eventually.h"
#include "support/LogOf.h"
#include "support/ManualClock.h"
#include "support/TemporaryDirectory.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <future>
#include <linux/filter.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using p2::lmdb::Lookups;
using p2::lmdb::memoryOfProcess;
using p2::lmdb::readThrough;
using p2::lmdb::Residency;
using p2::store::DeviceKey;
using p2::test::eventually;

namespace {

constexpr std::size_t kBytes = 256 << 10;

/// A file with content; what is on the disk can be dropped from memory.
struct File {
  File() { std::ofstream(path) << std::string(kBytes, 'x'); }

  /// Gives whether the file system has done so: one in memory does not.
  bool forget() const {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    ::fsync(file);
    const bool advised = ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) == 0;
    ::close(file);
    return advised;
  }

  /// Whether the file system is memory itself.
  bool isKept() const {
    struct statfs status {};
    return ::statfs(path.c_str(), &status) == 0 && status.f_type == TMPFS_MAGIC;
  }

  p2::test::TemporaryDirectory directory;
  std::filesystem::path path = directory.path() / "data.mdb";
};

/// Refuses mincore to this thread and those that it begins, as a sandbox may.
bool refuseMincore(int code) {
  const auto refusal = SECCOMP_RET_ERRNO | static_cast<unsigned>(code);
  std::array<sock_filter, 4> rules{{{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
                                    {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_mincore},
                                    {BPF_RET | BPF_K, 0, 0, refusal},
                                    {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}}};
  const sock_fprog program{static_cast<unsigned short>(rules.size()), rules.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

/// Whether a file is taken to be whole, where mincore is refused, until the second round begins.
bool becomesWholeUnseen(int code, const std::filesystem::path& path, std::uint64_t used) {
  bool isWhole = false;
  std::thread([&] {
    if (!refuseMincore(code)) return;
    std::atomic<int> looks{0};
    const Residency residency(path, [&looks, used] {
      ++looks;
      return used;
    });
    eventually([&] { return residency.isWhole() || looks == 4; });
    isWhole = residency.isWhole();
  }).join();
  return isWhole;
}

/// Look-ups in a file that is not whole in memory, at a disk that hangs until it is let go.
struct Hanging {
  explicit Hanging(std::size_t room = 5) : capacity(room) {}

  void ask(Lookups::Name name, const std::string& tag) {
    lookups.ask(std::move(name), "example.org", [this, tag](const p2::core::Result<Lookups::Found>& found) {
      const std::scoped_lock lock(mutex);
      answers.push_back(tag + (found.ok() ? "" : " refused"));
      if (!found.ok()) lastError = found.error();
    });
  }
  std::size_t answered() {
    const std::scoped_lock lock(mutex);
    return answers.size();
  }
  void letGo() { gate.set_value(); }

  const std::size_t capacity;
  std::mutex mutex;
  std::vector<std::string> answers;
  std::string lastError;
  std::atomic<int> reads{0};
  std::promise<void> gate;
  std::shared_future<void> open = gate.get_future().share();
  p2::test::ManualClock clock;
  Residency nothing{"/nonexistent/data.mdb", [] { return kBytes; }};
  Lookups lookups{clock, nothing, capacity, [this](const Lookups::Name&) -> p2::core::Result<Lookups::Found> {
                    ++reads;
                    open.wait();
                    return Lookups::Found();
                  }};
};

}  // namespace

TEST_CASE("A file that was just written is whole in memory, one that is not there never") {
  const File file;
  const Residency residency(file.path, [] { return kBytes; });
  CHECK(residency.isWhole());
  const Residency none("/nonexistent/data.mdb", [] { return kBytes; });
  CHECK_FALSE(none.isWhole());
  const Residency unknown(file.path, [] { return std::uint64_t{0}; });
  CHECK_FALSE(unknown.isWhole());
}

TEST_CASE("What is not in memory is noticed, and read in once") {
  const File file;
  REQUIRE(file.forget());
  const Residency residency(file.path, [] { return kBytes; });
  CHECK(eventually([&] { return residency.isWhole(); }));
  REQUIRE(file.forget());
  CHECK(eventually([&] { return residency.isWhole() == file.isKept(); }));
}

TEST_CASE("A file that the disk cannot read is told of once, and is never whole") {
  const p2::test::LogOf log("lmdb");
  std::atomic<int> looks{0};
  const Residency residency("/proc/self/mem", [&looks] {
    ++looks;
    return kBytes;
  });
  CHECK(eventually([&] { return looks == 5; }));
  CHECK_FALSE(residency.isWhole());
  REQUIRE(log.texts().size() == 1);
  CHECK(log.texts().front().starts_with("3 The store's file /proc/self/mem cannot be read from byte 0 on: "));
}

TEST_CASE("A file is read through to its end, to a bound, or until somebody stops") {
  const File file;
  const auto read = [&](std::uint64_t atMost, bool stops) {
    return readThrough(file.path, atMost, [stops] { return stops; }).value();
  };
  CHECK(read(10 * kBytes, false) == kBytes);
  CHECK(read(1, false) < kBytes);
  CHECK(read(kBytes, true) == 0);
  CHECK(readThrough("/nonexistent/data.mdb", kBytes).value() == 0);
  CHECK_FALSE(readThrough("/proc/self/mem", kBytes));
}

TEST_CASE("Where the system does not say what is in memory, a file counts as being there that was read in") {
  if (p2::test::isEmulated()) {
    WARN("skipped: the emulator refuses no system call");
    return;
  }
  const File file;
  const int code = GENERATE(EPERM, ENOSYS);
  const p2::test::LogOf log("lmdb");
  CHECK(becomesWholeUnseen(code, file.path, kBytes));
  REQUIRE(log.texts().size() == 1);
  CHECK(
      log.texts().front().starts_with("4 the system does not say whether the store is in memory (mincore: "));
  CHECK_FALSE(becomesWholeUnseen(code, file.path, 2 * kBytes));  // It cannot be read to its end.
}

TEST_CASE("The memory of a process is the machine's, or what its control group or one above may have") {
  const p2::test::TemporaryDirectory directory;
  const auto own = directory.path() / "cgroup", groups = directory.path() / "groups";
  const auto write = [&](const std::string& file, const std::string& text) {
    std::filesystem::create_directories((groups / file).parent_path());
    std::ofstream(groups / file) << text << '\n';
  };
  const auto machine = memoryOfProcess("/nonexistent", "/nonexistent");
  CHECK(machine > 1000000);
  std::ofstream(own) << "1:cpu:/other\n0::/a.slice/p2.service\n";
  CHECK(memoryOfProcess(own, groups) == machine);
  write("a.slice/p2.service/memory.max", "max");
  CHECK(memoryOfProcess(own, groups) == machine);
  write("a.slice/p2.service/memory.max", "900000");
  CHECK(memoryOfProcess(own, groups) == 900000);
  write("a.slice/p2.service/memory.high", "800000");
  CHECK(memoryOfProcess(own, groups) == 800000);
  write("a.slice/memory.max", "700000");
  CHECK(memoryOfProcess(own, groups) == 700000);
  write("other/memory.max", "1");
  CHECK(memoryOfProcess(own, groups) == 700000);
}

TEST_CASE("Who asks for what is on a disk that hangs goes on, and is answered when it goes on") {
  Hanging disk;
  CHECK_FALSE(disk.lookups.atOnce(std::string("node")));
  CHECK_FALSE(disk.lookups.atOnce(DeviceKey{}));
  disk.ask("node", "one");
  disk.ask(DeviceKey{}, "two");
  CHECK(disk.answered() == 0);
  disk.letGo();
  CHECK(eventually([&] { return disk.answered() == 2; }));
}

TEST_CASE("What was looked up within a minute is looked up at once") {
  Hanging disk;
  disk.letGo();
  disk.ask("node", "one");
  disk.ask(DeviceKey{}, "two");
  CHECK(eventually([&] { return disk.answered() == 2; }));
  CHECK(disk.lookups.atOnce(std::string("node")));
  CHECK_FALSE(disk.lookups.atOnce(std::string("another node")));
  CHECK(eventually([&] { return disk.lookups.atOnce(DeviceKey{}); }));
  disk.clock.advance(50s);
  CHECK(disk.lookups.atOnce(std::string("node")));
  disk.clock.advance(50s);  // Since it was asked for again.
  CHECK(disk.lookups.atOnce(std::string("node")));
  disk.clock.advance(62s);
  CHECK_FALSE(disk.lookups.atOnce(std::string("node")));
}

TEST_CASE("Look-ups that the disk does not keep up with are refused, and the devices keep their order") {
  Hanging disk;
  for (int i = 0; i < 20; ++i) disk.ask("node", "node");
  for (int i = 0; i < 20; ++i) disk.ask(DeviceKey{}, "device " + std::to_string(i));
  CHECK(disk.answered() >= 40 - 2 * 5 - 4);
  disk.letGo();
  CHECK(eventually([&] { return disk.answered() == 40; }));
  // Not each number: the first may leave the queue after some have been refused, and make room for one more.
  std::vector<int> devices;
  for (const auto& answer : disk.answers) {
    if (!answer.starts_with("device") || answer.ends_with("refused")) continue;
    devices.push_back(std::stoi(answer.substr(std::string("device ").size())));
  }
  CHECK(devices.size() >= 5);
  CHECK(std::is_sorted(devices.begin(), devices.end()));
}

TEST_CASE("A device waits behind what was asked of it before, and behind no other, however many wait") {
  const File file;
  const Residency whole(file.path, [] { return kBytes; });
  REQUIRE(whole.isWhole());
  p2::test::ManualClock clock;
  std::promise<void> gate;
  auto open = gate.get_future().share();
  Lookups lookups(clock, whole, 5, [open](const Lookups::Name&) -> p2::core::Result<Lookups::Found> {
    open.wait();
    return Lookups::Found();
  });
  DeviceKey waiting, other;
  waiting.device = "waiting";
  other.device = "other";
  for (int i = 0; i < 20; ++i) lookups.ask(waiting, "example.org", [](const auto&) {});
  CHECK_FALSE(lookups.atOnce(waiting));
  CHECK(lookups.atOnce(other));
  gate.set_value();
  CHECK(eventually([&] { return lookups.atOnce(waiting); }));
}

TEST_CASE("After a disk has stood still, nothing is read for those who have given up") {
  Hanging disk;
  for (int i = 0; i < 4; ++i) disk.ask(DeviceKey{}, "device");
  CHECK(eventually([&] { return disk.reads == 1; }));
  disk.clock.advance(13s);
  disk.ask(DeviceKey{}, "later");
  disk.letGo();
  CHECK(eventually([&] { return disk.answered() == 5; }));
  CHECK(disk.reads == 2);
  CHECK(disk.answers ==
        std::vector<std::string>{"device", "device refused", "device refused", "device refused", "later"});
}

TEST_CASE("When look-ups end, what is being read is answered, and nothing else is read") {
  Hanging disk;
  for (int i = 0; i < 4; ++i) disk.ask(DeviceKey{}, "device");
  CHECK(eventually([&] { return disk.reads == 1; }));
  std::thread ending([&] { disk.lookups.stop(); });
  const bool isClosing = eventually([&] {
    disk.ask(DeviceKey{}, "too late");
    const std::scoped_lock lock(disk.mutex);
    return disk.lastError == "The store is closing.";
  });
  disk.letGo();
  ending.join();
  CHECK(isClosing);
  CHECK(disk.reads == 1);
  std::vector<std::string> devices;
  for (const auto& answer : disk.answers) {
    if (answer.starts_with("device")) devices.push_back(answer);
  }
  CHECK(devices == std::vector<std::string>{"device", "device refused", "device refused", "device refused"});
}

TEST_CASE("When look-ups end, what was asked is answered, and what is asked then is refused") {
  Hanging disk;
  disk.letGo();
  disk.ask("node", "one");
  CHECK(eventually([&] { return disk.answered() == 1; }));
  disk.lookups.stop();
  CHECK(disk.answered() == 1);
  disk.ask("node", "two");
  REQUIRE(disk.answered() == 2);
  CHECK(disk.answers[1] == "two refused");
}

TEST_CASE("Look-ups that are first asked for while they end are answered or refused") {
  for (int round = 0; round < 100; ++round) {
    Hanging disk;
    disk.letGo();
    std::thread asking([&] { disk.ask("node", "first"); });
    disk.lookups.stop();
    asking.join();
    CHECK(disk.answered() == 1);
  }
}

namespace {

using p2::store::test::Flood;

Flood::Ask askingFor(Hanging& disk, bool devices) {
  return [&disk, devices](const Flood::Asked& asked, Flood::Answer tell) {
    Lookups::Name name = "node" + std::to_string(asked.device);
    if (devices) name = p2::store::test::device(asked.device);
    disk.lookups.ask(std::move(name), p2::store::flowOf(asked.domain),
                     [tell = std::move(tell)](const p2::core::Result<Lookups::Found>& found) mutable {
                       tell(found.ok());
                     });
  };
}

}  // namespace

TEST_CASE("Whatever floods a disk that hangs, another domain's look-ups wait for it and are answered") {
  const auto from = GENERATE(Flood::From::oneDomain, Flood::From::subdomains, Flood::From::severalDomains,
                             Flood::From::manyDomains);
  const bool devices = GENERATE(true, false);
  constexpr std::size_t kCapacity = 30;
  Hanging disk(kCapacity);
  Flood flood(from, GENERATE(1U, 2U, 3U), kCapacity, askingFor(disk, devices));
  disk.letGo();
  CHECK(eventually([&] { return flood.isOver(); }));
  CHECK(flood.isAnsweredOnce());
  CHECK(flood.honest() > 0);
  CHECK(flood.servedHonestly() == flood.honest());
  CHECK(flood.served() >= kCapacity);
  CHECK(flood.served() <= kCapacity + 3);  // what was being read
  if (devices) CHECK(flood.keptOrder());
}

TEST_CASE("When look-ups end amidst a flood each is answered once") {
  Hanging disk(30);
  Flood flood(GENERATE(Flood::From::oneDomain, Flood::From::manyDomains), 1, 30, askingFor(disk, true));
  std::thread ending([&] { disk.lookups.stop(); });
  disk.letGo();
  ending.join();
  CHECK(flood.isAnsweredOnce());
}
