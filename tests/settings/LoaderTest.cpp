#include "p2/settings/Loader.h"
#include "support/Catch.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace p2;
using namespace p2::settings;
using Lines = std::vector<std::string>;
namespace fs = std::filesystem;

namespace {

/// A directory of its own that goes with its owner.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "p2-settings-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    _path = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(_path); }

  fs::path write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    const auto path = _path / name;
    std::ofstream(path, std::ios::binary) << text;
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    return path;
  }
  fs::path operator/(const std::string& name) const { return _path / name; }

 private:
  fs::path _path;
};

}  // namespace

TEST_CASE("A file is read whole, with whether everybody may read it") {
  const Folder folder;
  const std::string text = std::string(200000, 'x') + '\0' + "end";
  const auto secret = readFile(folder.write("secret", text), 1000000);
  REQUIRE(secret.ok());
  CHECK(secret.value().text == text);
  CHECK_FALSE(secret.value().worldReadable);
  CHECK(readFile(folder.write("open", "", 0644), 10).value().worldReadable);
}

TEST_CASE("What cannot be read is said in words") {
  const Folder folder;
  CHECK(readFile(folder / "none", 10).error() == "does not exist");
  CHECK(readFile(folder / "", 10).error() == "is a directory, not a file");
  CHECK(readFile("/dev/null", 10).error() == "is not a regular file");
  CHECK(readFile(folder.write("f", std::string(1025, 'x')), 1024).error() == "is larger than 1 KiB");
  CHECK(readFile(folder.write("f", std::string(1024, 'x')), 1024).ok());
  const auto pipe = folder / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(readFile(pipe, 10).error() == "is not a regular file");
  if (::geteuid() != 0) {
    CHECK(readFile(folder.write("denied", "", 0), 10).error() ==
          "may not be read by the user that p2 runs as (uid " + std::to_string(::geteuid()) +
              "); check its owner and mode");
  }
}

TEST_CASE("A file of 100 MB is refused after its first MiB") {
  const Folder folder;
  const auto large = folder.write("large", "");
  fs::resize_file(large, 100000000);
  const auto loaded = load(large, {}, {});
  CHECK(loaded.faults ==
        Lines{large.string() +
              ": the settings file is larger than 1024 KiB; --config must name a settings file."});
}

TEST_CASE("The file of --config wins, else the first location that exists is read") {
  const Folder folder;
  const std::string rest =
      "xmpp.sharedSecret = s\nfcm.serviceAccountFile = " + folder.write("sa", "{}").string();
  const auto first = folder.write("first", "xmpp.jid = first.example\n" + rest);
  const auto second = folder.write("second", "xmpp.jid = second.example\n" + rest);
  const auto jid = [](const LoadedSettings& loaded) {
    CHECK(loaded.faults == Lines{});
    return loaded.settings ? loaded.settings->xmpp.jid : "";
  };
  CHECK(jid(load(std::nullopt, {first, second}, {})) == "first.example");
  CHECK(jid(load(std::nullopt, {folder / "none", second}, {})) == "second.example");
  CHECK(jid(load(second, {first}, {})) == "second.example");
  CHECK(load(std::nullopt, {folder / "none", second}, {}).file == second);
}

TEST_CASE("A missing settings file says where p2 looked and what to do") {
  CHECK(
      load(std::nullopt, {"/none/a", "/none/b"}, {{"HTTPS_PROXY", "http://x"}}).faults ==
      Lines{
          "There is no settings file: looked for /none/a and /none/b. Copy the p2.properties that comes with "
          "p2 to one of these places, name a file with --config=FILE, or set P2_XMPP_JID and the others in "
          "the "
          "environment."});
  CHECK(load(fs::path("/none/c"), {"/none/a"}, {{"P2_XMPP_JID", "p.example"}}).faults ==
        Lines{"/none/c: the settings file does not exist; --config must name a settings file."});
  const Folder folder;
  CHECK(load(folder / "", {}, {}).faults ==
        Lines{(folder / "").string() +
              ": the settings file is a directory, not a file; --config must name a settings file."});
}

TEST_CASE("A settings file that is there but cannot be read is not passed over") {
  const Folder folder;
  const auto denied = folder.write("denied", "");
  const auto other = folder.write("other", "");
  const ReadFile deny = [](const fs::path&, std::size_t) -> core::Result<FileContent> {
    return core::Error{"may not be read"};
  };
  CHECK(load(std::nullopt, {denied, other}, {}, deny).faults ==
        Lines{denied.string() +
              ": the settings file may not be read; mend that or name another with --config=FILE."});
}

TEST_CASE("A settings file that cannot even be looked at is not passed over") {
  const Folder folder;
  const auto loop = folder / "loop";
  fs::create_symlink(loop, loop);
  const auto loaded = load(std::nullopt, {loop, folder.write("other", "")}, {});
  CHECK(loaded.file == loop);
  REQUIRE(loaded.faults.size() == 1);
  CHECK(loaded.faults[0].starts_with(loop.string() + ": the settings file cannot be read ("));
}

TEST_CASE("The environment alone will do, with a word about the missing file") {
  const Folder folder;
  const auto loaded = load(std::nullopt, {"/none/a"},
                           {{"P2_XMPP_JID", "p.example"},
                            {"P2_XMPP_SHAREDSECRET", "s"},
                            {"P2_FCM_SERVICEACCOUNTFILE", folder.write("sa", "{}").string()}});
  CHECK(loaded.faults == Lines{});
  CHECK(loaded.settings);
  CHECK(loaded.file.empty());
  CHECK(loaded.warnings ==
        Lines{"There is no settings file: looked for /none/a; the environment alone is used."});
}

TEST_CASE("The environment of the process is taken as far as p2 reads it") {
  // NOLINTBEGIN(concurrency-mt-unsafe): the tests of this program run in one thread
  REQUIRE(::setenv("P2_TEST_VARIABLE", "a=b", 1) == 0);
  REQUIRE(::setenv("OTHER_TEST_VARIABLE", "x", 1) == 0);
  const auto environment = processEnvironment();
  ::unsetenv("P2_TEST_VARIABLE");
  ::unsetenv("OTHER_TEST_VARIABLE");
  // NOLINTEND(concurrency-mt-unsafe)
  REQUIRE(environment.contains("P2_TEST_VARIABLE"));
  CHECK(environment.find("P2_TEST_VARIABLE")->second == "a=b");
  CHECK_FALSE(environment.contains("OTHER_TEST_VARIABLE"));
}

TEST_CASE("The standard locations are /etc/p2 and beside the program") {
  CHECK(settingsLocations("/opt/p2/bin/p2") ==
        std::vector<fs::path>{"/etc/p2/p2.properties", "/opt/p2/bin/p2.properties"});
}
