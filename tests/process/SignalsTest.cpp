#include "p2/process/Signals.h"
#include "support/Catch.h"

#include <csignal>

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

}  // namespace

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
