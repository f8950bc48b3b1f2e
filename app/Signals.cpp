#include "Signals.h"

#include <csignal>
#include <initializer_list>

namespace p2::app {

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

int waitForSignal() noexcept {
  const sigset_t set = waitedFor();
  int signal = 0;
  while (::sigwait(&set, &signal) != 0) {
  }
  return signal;
}

}  // namespace p2::app
