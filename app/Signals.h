#pragma once

namespace p2::app {

/// Keeps SIGTERM, SIGINT, SIGQUIT and SIGHUP for waitForSignal(), in this thread and in those that it starts
/// from now on. To be called before the first thread; a fork keeps it.
void blockSignals() noexcept;

/// Blocks until one of those signals comes, and gives it. Main thread.
int waitForSignal() noexcept;

}  // namespace p2::app
