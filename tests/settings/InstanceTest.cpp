#include "p2/settings/Instance.h"
#include "p2/settings/Keys.h"
#include "p2/settings/Overview.h"
#include "p2/settings/Parser.h"
#include "support/Catch.h"
#include "support/TemporaryDirectory.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace p2;
using namespace p2::settings;

namespace {

constexpr const char* kText =
    "xmpp.jid = push.example.org\nxmpp.sharedSecret = s\nfcm.serviceAccountFile = a.json\n";

/// The settings that a file of this name and text gives.
Settings settingsIn(const std::string& file, const std::string& text = kText) {
  const auto parsed = parse({text, false}, file, {},
                            [](const auto&, auto) -> core::Result<FileContent> { return FileContent{}; });
  REQUIRE(parsed.settings);
  return *parsed.settings;
}

bool isShownAsDefault(const Settings& settings, const Instance& instance) {
  for (const auto& line : describe(settings, instance)) {
    if (line.key == "store.path") return line.isDefault;
  }
  return false;
}

}  // namespace

TEST_CASE("The plain p2 has the names that it always had") {
  const Instance plain;
  CHECK(plain.isPlain());
  CHECK(plain.file() == "/etc/p2/p2.properties");
  CHECK(plain.store() == "/var/lib/p2");
  CHECK(plain.user() == "p2");
  CHECK(plain.unit() == "p2");
  CHECK(plain.call("check") == "p2 check");
}

TEST_CASE("One of several has everything by its name") {
  const auto work = Instance::named("work");
  REQUIRE(work.ok());
  CHECK_FALSE(work.value().isPlain());
  CHECK(work.value().file() == "/etc/p2/work.properties");
  CHECK(work.value().store() == "/var/lib/p2-work");
  CHECK(work.value().user() == "p2-work");
  CHECK(work.value().unit() == "p2@work");
  CHECK(work.value().call("check") == "p2 check @work");
}

TEST_CASE("A name is one that a file, a user and a unit can have, and leads nowhere else") {
  for (const std::string name : {"a", "0", "a-b", "a_b", "work2"}) CHECK(Instance::named(name).ok());
  CHECK(Instance::named(std::string(28, 'a')).ok());
  CHECK_FALSE(Instance::named(std::string(29, 'a')).ok());
  for (const std::string name :
       {"", "p2", ".", "..", "../a", "a/b", "/a", "A", "-a", "_a", "a.b", "a b", "a\n", "ä", "a%i", "a@b"}) {
    CAPTURE(name);
    CHECK_FALSE(Instance::named(name).ok());
  }
}

TEST_CASE("A file of settings tells whose they are") {
  const auto unitOf = [](const std::string& file) { return Instance::ofFile(file).unit(); };
  CHECK(unitOf("/etc/p2/work.properties") == "p2@work");
  CHECK(unitOf("/etc/p2/../p2/./work.properties") == "p2@work");
  for (const char* plain : {"", "/etc/p2/p2.properties", "/etc/p2/config.json", "/etc/p2/a.b.properties",
                            "/etc/p2/.properties", "/etc/p2/sub/work.properties", "/srv/work.properties",
                            "work.properties", "/etc/p2/work.properties.old"}) {
    CAPTURE(plain);
    CHECK(unitOf(plain) == "p2");
  }
}

TEST_CASE("The names that there are, are those of the settings, without the plain one") {
  const test::TemporaryDirectory directory;
  CHECK(Instance::namesIn(directory.path() / "none").empty());
  for (const char* name : {"work.properties", "p2.properties", "shop.properties", "shop.properties.old",
                           "Odd.properties", "service-account.json"}) {
    std::ofstream(directory.path() / name) << "";
  }
  CHECK(Instance::namesIn(directory.path()) == std::vector<std::string>{"shop", "work"});
}

TEST_CASE("The store of a p2 is its own unless its settings say otherwise, and that is its default") {
  const auto work = Instance::named("work").value();
  const auto settings = settingsIn("/etc/p2/work.properties");
  CHECK(settings.store.path == "/var/lib/p2-work");
  CHECK(isShownAsDefault(settings, work));
  CHECK_FALSE(isShownAsDefault(settings, Instance()));
  CHECK(settingsIn("/etc/p2/work.properties", kText + std::string("store.path = /srv/x\n")).store.path ==
        "/srv/x");
  for (const char* plain : {"/etc/p2/p2.properties", "/srv/work.properties"}) {
    CHECK(settingsIn(plain).store.path == "/var/lib/p2");
    CHECK(isShownAsDefault(settingsIn(plain), Instance()));
  }
  CHECK(defaultSettings(work).store.path == "/var/lib/p2-work");
}
