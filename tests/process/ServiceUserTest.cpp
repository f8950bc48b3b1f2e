#include "p2/process/ServiceUser.h"
#include "support/Catch.h"
#include "support/ContentOf.h"
#include "support/Has.h"
#include "support/TemporaryDirectory.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <pwd.h>
#include <string>

using namespace p2;
using process::ServiceUser;

namespace {

/// A systemd-sysusers that writes down what it is called with and makes nobody.
class FakeSysusers {
 public:
  explicit FakeSysusers(const std::string& end) {
    const auto file = _directory.path() / "systemd-sysusers";
    std::ofstream(file) << "#!/bin/sh\necho \"$@\" >>'" << called().string() << "'\n" << end << '\n';
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    ::setenv("PATH", (_directory.path().string() + ':' + _before).c_str(), 1);
  }
  FakeSysusers(const FakeSysusers&) = delete;
  FakeSysusers& operator=(const FakeSysusers&) = delete;
  ~FakeSysusers() { ::setenv("PATH", _before.c_str(), 1); }

  std::filesystem::path called() const { return _directory.path() / "called"; }

 private:
  const test::TemporaryDirectory _directory;
  const std::string _before = std::getenv("PATH");
};

}  // namespace

TEST_CASE("A user that is missing is written down for systemd-sysusers, and it is told if that makes none") {
  const test::TemporaryDirectory directory;
  const ServiceUser user{"p2-nobody-has-this", directory.path() / "home"};
  const auto file = directory.path() / "sysusers.d" / "p2-nobody-has-this.conf";
  for (const std::string end : {"exit 0", "exit 1"}) {
    const FakeSysusers fake(end);
    const auto made = process::make(user, file.parent_path());
    REQUIRE_FALSE(made.ok());
    CHECK(test::has(made.error(), "has not made the user p2-nobody-has-this"));
    CHECK(test::contentOf(fake.called()) == file.string() + '\n');
    CHECK(test::contentOf(file) == "u p2-nobody-has-this - \"p2 push proxy\" " + user.home.string() + '\n');
    CHECK_FALSE(std::filesystem::exists(user.home));
  }
}

TEST_CASE("A user that is there is left as it is, and gets a directory that is its own") {
  const test::TemporaryDirectory directory;
  const passwd* const self = ::getpwuid(::geteuid());
  if (self == nullptr) {
    WARN("skipped: this user has no name");
    return;
  }
  const FakeSysusers fake("exit 1");
  const ServiceUser user{self->pw_name, directory.path() / "home"};
  REQUIRE(process::make(user, directory.path() / "sysusers.d").ok());
  struct stat status {};
  REQUIRE(::stat(user.home.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777U) == 0700);
  CHECK(status.st_uid == ::geteuid());
  CHECK_FALSE(std::filesystem::exists(fake.called()));
  CHECK_FALSE(std::filesystem::exists(directory.path() / "sysusers.d"));
  REQUIRE(::chmod(user.home.c_str(), 0750) == 0);
  REQUIRE(process::make(user, directory.path() / "sysusers.d").ok());
  REQUIRE(::stat(user.home.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777U) == 0750);
}

TEST_CASE("A directory that cannot be made is named") {
  const passwd* const self = ::getpwuid(::geteuid());
  if (self == nullptr) {
    WARN("skipped: this user has no name");
    return;
  }
  const auto made = process::make({self->pw_name, "/nowhere/at/all"}, "/nowhere");
  REQUIRE_FALSE(made.ok());
  CHECK(test::has(made.error(), "/nowhere/at/all cannot be made"));
}
