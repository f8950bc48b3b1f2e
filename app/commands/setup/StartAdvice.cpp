#include "commands/setup/StartAdvice.h"

#include <sys/stat.h>

#include <grp.h>

namespace p2::app {

namespace {

/// Whether it is the group of a p2: the plain one, or any with a name.
bool isOfP2(std::string_view group) {
  const auto plain = settings::Instance().user();
  return group == plain || group.substr(0, plain.size() + 1) == plain + '-';
}

}  // namespace

std::string groupOf(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return {};
  const auto* const found = ::getgrgid(status.st_gid);
  return found == nullptr ? "" : found->gr_name;
}

std::string accountAdvice(const settings::Instance& instance, const std::filesystem::path& account,
                          std::string_view group) {
  auto copy = instance.file().replace_extension(".json");
  if (isOfP2(group) && group != instance.user() && copy != account) {
    return "install -m 0640 -g " + instance.user() + ' ' + account.string() + ' ' + copy.string() +
           "    as another p2 reads that file: set fcm.serviceAccountFile = " + copy.string() + '\n';
  }
  return "chgrp " + instance.user() + ' ' + account.string() + " && chmod 0640 " + account.string() +
         "    lets " + instance.unit() + " read it\n";
}

std::string serviceAdvice(const settings::Instance& instance) {
  return "systemctl enable " + instance.unit() + " && systemctl restart " + instance.unit() + '\n';
}

}  // namespace p2::app
