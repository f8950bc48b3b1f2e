#include "p2/core/FileKind.h"
#include "support/Catch.h"
#include "support/ContentOf.h"
#include "support/TemporaryDirectory.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>

namespace fs = std::filesystem;
using namespace p2::core;
using p2::test::TemporaryDirectory;

namespace {

/// Gives it a time that 32 bits do not hold, where the file system has such: in 2060.
void changedLate(const fs::path& path) {
  std::array<timespec, 2> late{};
  for (timespec& each : late) each.tv_sec = static_cast<std::time_t>(2840140800);
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), late.data(), AT_SYMLINK_NOFOLLOW) == 0);
}

}  // namespace

TEST_CASE("What a file is can be told whenever it was changed") {
  const TemporaryDirectory directory;
  const fs::path& place = directory.path();
  const fs::path file = place / "file";
  const fs::path link = place / "link";
  const fs::path broken = place / "broken";
  std::ofstream(file) << "text";
  fs::create_symlink(file, link);
  fs::create_symlink(place / "none", broken);
  for (const fs::path& each : {place, file, link, broken}) {
    if (sizeof(std::time_t) > 4) changedLate(each);
  }
  CHECK(isDirectory(place));
  CHECK_FALSE(isRegularFile(place));
  CHECK_FALSE(isSymbolicLink(place));
  CHECK(isRegularFile(file));
  CHECK_FALSE(isDirectory(file));
  CHECK(isRegularFile(link));
  CHECK(isSymbolicLink(link));
  CHECK(isSymbolicLink(broken));
  CHECK_FALSE(isRegularFile(broken));
  CHECK_FALSE(isDirectory(place / "none"));
}

TEST_CASE("The C++ library is not asked what a file is") {
  p2::test::forEachSource([](const fs::path& source) {
    INFO(source);
    CHECK(p2::test::contentOf(source).find("filesystem::is_") == std::string::npos);
  });
}
