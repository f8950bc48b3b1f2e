#include "p2/core/AtomicFile.h"
#include "support/Catch.h"
#include "support/ContentOf.h"
#include "support/TemporaryDirectory.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace fs = std::filesystem;
using p2::core::AtomicFile;
using p2::core::writeAll;
using p2::test::contentOf;

namespace {

std::size_t filesIn(const fs::path& directory) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory), {}));
}

/// 0, or errno.
int put(const fs::path& path, const std::string& text) {
  int fault = 0;
  const auto file = AtomicFile::create(path, fault);
  if (!file) return fault;
  fault = writeAll(file->descriptor(), text);
  return fault != 0 ? fault : file->commit();
}

}  // namespace

TEST_CASE("A file appears whole, for its owner alone, and takes the place of one that is there") {
  const p2::test::TemporaryDirectory directory;
  const auto path = directory.path() / "file";
  for (const std::string text : {"first", "second"}) {
    CHECK(put(path, text) == 0);
    CHECK(contentOf(path) == text);
    CHECK((fs::status(path).permissions() & fs::perms::mask) ==
          (fs::perms::owner_read | fs::perms::owner_write));
    CHECK(filesIn(directory.path()) == 1);
  }
}

TEST_CASE("A file that was begun and not finished leaves what was there") {
  const p2::test::TemporaryDirectory directory;
  const auto path = directory.path() / "file";
  REQUIRE(put(path, "old") == 0);
  {
    int fault = 0;
    const auto file = AtomicFile::create(path, fault);
    REQUIRE(file);
    CHECK(writeAll(file->descriptor(), "half") == 0);
    CHECK(contentOf(path) == "old");
  }
  CHECK(contentOf(path) == "old");
  CHECK(filesIn(directory.path()) == 1);
}

TEST_CASE("What ends in the middle of a file is a fault, and not half a file") {
  const p2::test::TemporaryDirectory directory;
  const auto path = directory.path() / "file";
  REQUIRE(put(path, "old") == 0);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{8192, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const int fault = put(path, std::string(9200, 'x'));
  ::setrlimit(RLIMIT_FSIZE, &before);
  CHECK(fault == EFBIG);
  CHECK(contentOf(path) == "old");
  CHECK(filesIn(directory.path()) == 1);
}

TEST_CASE("A link to a file leads to the new file") {
  const p2::test::TemporaryDirectory directory;
  const auto elsewhere = directory.path() / "elsewhere";
  fs::create_directory(elsewhere);
  const auto link = directory.path() / "link";
  for (const char* const old : {"", "old"}) {
    CAPTURE(old);
    if (*old != '\0') std::ofstream(elsewhere / "file") << old;
    fs::remove(link);
    fs::create_symlink("elsewhere/file", link);
    CHECK(put(link, "new") == 0);
    CHECK(fs::is_symlink(link));
    CHECK(contentOf(elsewhere / "file") == "new");
  }
}

TEST_CASE("What is no file is written into and stays what it is") {
  const p2::test::TemporaryDirectory directory;
  const auto pipe = directory.path() / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  std::string read;
  std::thread reader([&] { read = contentOf(pipe); });
  CHECK(put(pipe, "text") == 0);
  reader.join();
  CHECK(read == "text");
  CHECK(fs::is_fifo(pipe));
  CHECK(put("/dev/null", "text") == 0);
  CHECK(fs::is_character_file("/dev/null"));
}

TEST_CASE("Where no file can be, the fault is told before anything is written") {
  const p2::test::TemporaryDirectory directory;
  CHECK(put(directory.path() / "none" / "file", "text") == ENOENT);
  CHECK(put(directory.path(), "text") == EISDIR);
}
