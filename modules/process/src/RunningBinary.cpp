#include "p2/process/RunningBinary.h"

#include <system_error>

namespace p2::process {

std::filesystem::path runningBinary() {
  std::error_code error;
  auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::filesystem::path("p2") : path;
}

}  // namespace p2::process
