#include "p2/process/Signals.h"
#include "support/Catch.h"
#include "support/Emulator.h"
#include "support/TemporaryDirectory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <sysexits.h>

using namespace p2::process;
using namespace std::chrono_literals;

namespace {

/// blockSignals() for the length of a test.
class Blocked {
 public:
  Blocked() {
    ::pthread_sigmask(SIG_SETMASK, nullptr, &_before);
    blockSignals();
  }
  ~Blocked() { ::pthread_sigmask(SIG_SETMASK, &_before, nullptr); }
  Blocked(const Blocked&) = delete;
  Blocked& operator=(const Blocked&) = delete;

 private:
  sigset_t _before{};
};

/// How a process ends in which `fault` happens, and what it has written to stderr.
struct Ended {
  template <class Fault>
  explicit Ended(Fault fault) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const auto child = ::fork();
    if (child == 0) {
      ::dup2(ends[1], STDERR_FILENO);
      explainUnreadablePages();
      fault();
      ::_exit(EXIT_SUCCESS);
    }
    ::close(ends[1]);
    std::array<char, 1000> text{};
    const auto size = ::read(ends[0], text.data(), text.size());
    ::close(ends[0]);
    if (size > 0) said.assign(text.data(), static_cast<std::size_t>(size));
    ::waitpid(child, &status, 0);
  }

  int status = 0;
  std::string said;
};

/// Reads from a mapped file that somebody has cut.
void readBeyondTheEnd(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || ::ftruncate(file, 4096) != 0) return;
  const auto* page = static_cast<const volatile char*>(::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, file, 0));
  if (page == MAP_FAILED || ::ftruncate(file, 0) != 0) return;
  static_cast<void>(*page);
}

}  // namespace

TEST_CASE("A page that cannot be read ends the program with a sentence, another SIGBUS as ever") {
  const p2::test::TemporaryDirectory directory;
  const Ended atPage([path = (directory.path() / "file").string()] { readBeyondTheEnd(path); });
  REQUIRE(WIFEXITED(atPage.status));
  CHECK(WEXITSTATUS(atPage.status) == EX_IOERR);
  CHECK(atPage.said.starts_with("p2: the store's file, or p2's own, cannot be read: "));
  CHECK(atPage.said.ends_with("from a backup.\n"));
  const Ended sent([] { ::raise(SIGBUS); });
  REQUIRE(WIFSIGNALED(sent.status));
  CHECK(WTERMSIG(sent.status) == SIGBUS);
  if (!p2::test::isEmulated()) CHECK(sent.said.empty());
}

TEST_CASE("A signal that came before is there at once, with a limit and without") {
  const Blocked blocked;
  ::raise(SIGHUP);
  CHECK(waitForSignal(std::nullopt) == SIGHUP);
  ::raise(SIGTERM);
  CHECK(waitForSignal(60s) == SIGTERM);
}

TEST_CASE("Without a signal the wait ends when it is over") {
  const Blocked blocked;
  CHECK_FALSE(waitForSignal(1ms));
  CHECK_FALSE(waitForSignal(0us));
}
