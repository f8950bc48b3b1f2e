#pragma once

#include <cstdint>
#include <filesystem>

namespace p2::lmdb {

/// The memory that this process may have, in bytes: the machine's, or less if its control group or one above
/// (cgroup v2) is held to less. 0 if that of the machine is not known. `ownGroup` names the group as the
/// system does, below `groups`; where either is missing there is no such bound.
std::uint64_t memoryOfProcess(const std::filesystem::path& ownGroup = "/proc/self/cgroup",
                              const std::filesystem::path& groups = "/sys/fs/cgroup");

}  // namespace p2::lmdb
