#pragma once

#include "p2/core/Result.h"

#include <filesystem>
#include <string>

namespace p2::process {

/// A user of the system as whom a service runs, and the directory that belongs to it alone. A value.
struct ServiceUser {
  std::string name;
  std::filesystem::path home;
};

/// Makes the user, its group and its directory where they are missing; what is there stays as it is. The user
/// is written down for systemd-sysusers, in `declarations`, so that a system that is made anew has it again.
/// REQUIRES: this process is root's. Blocks on the disk and on that program. Error: a whole sentence. Main
/// thread.
core::Result<void> make(const ServiceUser& user,
                        const std::filesystem::path& declarations = "/etc/sysusers.d");

}  // namespace p2::process
