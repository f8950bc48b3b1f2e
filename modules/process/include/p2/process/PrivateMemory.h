#pragma once

namespace p2::process {

/// A core dump would hold every secret in memory: none is written from now on, wherever the kernel sends
/// them, and no other process of this user may look into the memory. Main thread.
void keepMemoryPrivate() noexcept;

}  // namespace p2::process
