#pragma once

#include <chrono>
#include <optional>

namespace p2::process {

/// Keeps SIGTERM, SIGINT, SIGQUIT and SIGHUP for waitForSignal(), in this thread and in those that it starts
/// from now on. To be called before the first thread; a fork keeps it.
void blockSignals() noexcept;

/// Blocks until one of those signals comes, and gives it; none when `atMost` is over before. Main thread.
std::optional<int> waitForSignal(std::optional<std::chrono::microseconds> atMost) noexcept;

}  // namespace p2::process
