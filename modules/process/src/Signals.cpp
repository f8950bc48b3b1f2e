#include "p2/process/Signals.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>
#include <initializer_list>
#include <string_view>
#include <sysexits.h>

namespace p2::process {

namespace {

sigset_t waitedFor() noexcept {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGQUIT, SIGHUP}) ::sigaddset(&set, signal);
  return set;
}

// What p2 maps is the store's file, and itself.
constexpr std::string_view kUnreadablePage =
    "p2: the store's file, or p2's own, cannot be read: its disk, or the file, is damaged. See the system's "
    "log, run p2 check, and restore the store from a backup.\n";

/// What the kernel says of a page, and not of an address that the processor does not take.
bool isOfPage(const siginfo_t& info) noexcept {
  return info.si_code == BUS_ADRERR || info.si_code == BUS_OBJERR || info.si_code == BUS_MCEERR_AR;
}

/// Only what may be called in a signal handler.
void endAtBusError(int signal, siginfo_t* info, void* /*context*/) noexcept {
  if (isOfPage(*info)) {
    [[maybe_unused]] const auto written =
        ::write(STDERR_FILENO, kUnreadablePage.data(), kUnreadablePage.size());
    ::_exit(EX_IOERR);
  }
  std::signal(signal, SIG_DFL);
  ::raise(signal);
}

}  // namespace

void blockSignals() noexcept {
  const sigset_t set = waitedFor();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

std::optional<int> waitForSignal(std::optional<std::chrono::microseconds> atMost) noexcept {
  const sigset_t set = waitedFor();
  timespec time{};
  if (atMost) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*atMost);
    time.tv_sec = static_cast<std::time_t>(seconds.count());
    time.tv_nsec = static_cast<long>(std::chrono::nanoseconds(*atMost - seconds).count());
  }
  for (;;) {
    const int signal = atMost ? ::sigtimedwait(&set, nullptr, &time) : ::sigwaitinfo(&set, nullptr);
    if (signal > 0) return signal;
    if (errno == EAGAIN) return std::nullopt;
  }
}

void explainUnreadablePages() noexcept {
  struct sigaction action {};
  action.sa_sigaction = endAtBusError;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGBUS, &action, nullptr);
}

}  // namespace p2::process
