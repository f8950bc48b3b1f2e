#include "p2/process/ServiceUser.h"

#include "p2/core/AtomicFile.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <pwd.h>
#include <spawn.h>
#include <system_error>

namespace p2::process {

namespace {

/// Its entry in the list of users, or nullptr. Valid until the next call.
const passwd* entryOf(const ServiceUser& user) {
  return ::getpwnam(user.name.c_str());
}

core::Error fault(const std::string& what, int number) {
  return {what + " (" + std::generic_category().message(number) + ")."};
}

/// Runs the program with one argument, and waits for it. 0, errno, or ECANCELED if it has ended with a fault.
int runProgram(std::string program, std::string argument) {
  std::array<char*, 3> words{program.data(), argument.data(), nullptr};
  pid_t child = 0;
  if (const int number = ::posix_spawnp(&child, words[0], nullptr, nullptr, words.data(), environ);
      number != 0) {
    return number;
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return errno;
  }
  return status == 0 ? 0 : ECANCELED;
}

/// Writes the line by which systemd-sysusers makes the user. 0, or errno.
int declare(const ServiceUser& user, const std::filesystem::path& file) {
  std::error_code unknown;
  std::filesystem::create_directories(file.parent_path(), unknown);
  int number = 0;
  const auto declaration = core::AtomicFile::create(file, number);
  if (!declaration) return number;
  const std::string line = "u " + user.name + " - \"p2 push proxy\" " + user.home.string() + '\n';
  if (::fchmod(declaration->descriptor(), S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH) != 0) return errno;
  if (const int wrong = core::writeAll(declaration->descriptor(), line); wrong != 0) return wrong;
  return declaration->commit();
}

core::Result<void> makeUser(const ServiceUser& user, const std::filesystem::path& file) {
  if (const int number = declare(user, file); number != 0)
    return fault(file.string() + " cannot be written", number);
  const int number = runProgram("systemd-sysusers", file.string());
  if (number == 0 && entryOf(user) != nullptr) return {};
  return fault("systemd-sysusers has not made the user " + user.name + ", whom " + file.string() +
                   " describes: make it by hand, and try again",
               number == 0 ? ENOENT : number);
}

}  // namespace

core::Result<void> make(const ServiceUser& user, const std::filesystem::path& declarations) {
  if (entryOf(user) == nullptr) {
    if (auto made = makeUser(user, declarations / (user.name + ".conf")); !made) return made;
  }
  if (::mkdir(user.home.c_str(), S_IRWXU) != 0) {
    if (errno == EEXIST) return {};
    return fault("the directory " + user.home.string() + " cannot be made", errno);
  }
  const auto* const entry = entryOf(user);
  if (entry == nullptr || ::chown(user.home.c_str(), entry->pw_uid, entry->pw_gid) != 0) {
    return fault("the directory " + user.home.string() + " cannot be given to " + user.name, errno);
  }
  return {};
}

}  // namespace p2::process
