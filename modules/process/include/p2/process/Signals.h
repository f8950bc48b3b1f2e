#pragma once

#include <chrono>
#include <optional>

namespace p2::process {

/// Keeps SIGTERM, SIGINT, SIGQUIT and SIGHUP for waitForSignal(), in this thread and in those that it starts
/// from now on. To be called before the first thread; a fork keeps it.
void blockSignals() noexcept;

/// Blocks until one of those signals comes, and gives it; none when `atMost` is over before. Main thread.
std::optional<int> waitForSignal(std::optional<std::chrono::microseconds> atMost) noexcept;

/// From now on the program ends with EX_IOERR and one line on stderr that says why, when a page of a mapped
/// file cannot be read (SIGBUS): its disk fails, or the file was cut. Any other SIGBUS ends it as ever. To be
/// called once more behind whatever sets a handler of its own, as Poco's Application does.
void explainUnreadablePages() noexcept;

}  // namespace p2::process
