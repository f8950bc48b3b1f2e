#include "p2/process/StoreOwner.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <grp.h>
#include <pwd.h>
#include <system_error>

namespace p2::process {

core::Result<std::string> becomeOwnerOf(const std::filesystem::path& store) {
  struct stat status {};
  if (::geteuid() != 0 || ::stat(store.c_str(), &status) != 0 || status.st_uid == 0) return std::string();
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  const bool named =
      ::getpwuid_r(status.st_uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr;
  const auto group = named ? entry.pw_gid : status.st_gid;
  const std::string name = named ? entry.pw_name : "uid " + std::to_string(status.st_uid);
  const int grouped = named ? ::initgroups(entry.pw_name, group) : ::setgroups(1, &group);
  if (grouped != 0 || ::setgid(group) != 0 || ::setuid(status.st_uid) != 0) {
    return core::Error{"The store " + store.string() + " belongs to " + name +
                       ", and p2 cannot become that user (" + std::generic_category().message(errno) +
                       "). Run the command as that user."};
  }
  return name;
}

}  // namespace p2::process
