#include "p2/process/Signals.h"

#include <cerrno>
#include <csignal>
#include <ctime>
#include <initializer_list>

namespace p2::process {

namespace {

sigset_t waitedFor() noexcept {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGQUIT, SIGHUP}) ::sigaddset(&set, signal);
  return set;
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

}  // namespace p2::process
