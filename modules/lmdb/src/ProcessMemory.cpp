#include "ProcessMemory.h"

#include <sys/sysinfo.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace p2::lmdb {

namespace {

constexpr auto kUnbounded = std::numeric_limits<std::uint64_t>::max();

/// Where it says `max`, or there is no such file, there is none.
std::uint64_t boundIn(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::uint64_t bytes = 0;
  return in >> bytes ? bytes : kUnbounded;
}

/// The line of cgroup v2 is `0::/system.slice/p2.service`.
std::filesystem::path groupIn(const std::filesystem::path& file) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("0::/")) return line.substr(4);
  }
  return {};
}

std::uint64_t memoryOfMachine() {
  struct sysinfo info {};
  return ::sysinfo(&info) == 0 ? std::uint64_t{info.totalram} * info.mem_unit : 0;
}

}  // namespace

std::uint64_t memoryOfProcess(const std::filesystem::path& ownGroup, const std::filesystem::path& groups) {
  auto least = memoryOfMachine();
  for (auto group = groupIn(ownGroup);; group = group.parent_path()) {
    for (const auto* const file : {"memory.max", "memory.high"}) {
      least = std::min(least, boundIn(groups / group / file));
    }
    if (group.empty()) return least;
  }
}

}  // namespace p2::lmdb
