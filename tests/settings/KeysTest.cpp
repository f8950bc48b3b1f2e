#include "p2/settings/Keys.h"
#include "support/Catch.h"
#include "support/ContentOf.h"

#include <array>
#include <cstddef>
#include <filesystem>
#include <regex>
#include <set>
#include <string>
#include <vector>

using namespace p2::settings;

namespace {

/// What looks like a key in `text`, with what stands around it.
std::vector<std::string> keysIn(const std::string& text) {
  static const std::regex form(
      R"((^|[^\w./:-])((xmpp|store\.mariadb|store|fcm|push|limits|http|logging)\.[a-z]\w*))");
  return p2::test::allIn(text, form, 2);
}

/// All that stands between quotation marks in a source.
std::string literalsOf(const std::string& source) {
  static const std::regex literal(R"("(?:\\.|[^"\\\n])*")");
  std::string text;
  for (const auto& found : p2::test::allIn(source, literal)) text += found + '\n';
  return text;
}

}  // namespace

TEST_CASE("Every key's default is a value that the key takes") {
  for (const auto& key : allKeys()) {
    INFO(key.name);
    Settings settings;
    if (!key.fallback.empty()) {
      REQUIRE(key.set(settings, key.fallback).ok());
      CHECK(key.get(settings) == key.fallback);
    }
  }
}

TEST_CASE("Keys and their environment variables are unique") {
  std::set<std::string> names;
  for (const auto& key : allKeys()) {
    CHECK(names.insert(std::string(key.name)).second);
    CHECK(names.insert(environmentName(key)).second);
    CHECK(findKey(key.name) == &key);
    if (!key.referenceVariable.empty()) CHECK(names.insert(std::string(key.referenceVariable)).second);
  }
  CHECK(findKey("xmpp.Jid") == nullptr);
  CHECK(environmentName(*findKey("xmpp.sharedSecret")) == "P2_XMPP_SHAREDSECRET");
}

TEST_CASE("A name is near if few letters differ or its last part is meant") {
  constexpr std::array<std::string_view, 3> kKnown{"xmpp.host", "xmpp.port", "store.path"};
  CHECK(nearestName("xmpp.hots", kKnown) == "xmpp.host");
  CHECK(nearestName("XMPP.PORT", kKnown) == "xmpp.port");
  CHECK(nearestName("Path", kKnown) == "store.path");
  CHECK(nearestName("stor.pth", kKnown) == "store.path");
  CHECK(nearestName("something.else", kKnown).empty());
  CHECK(nearestName("", kKnown).empty());
  CHECK(nearestName(std::string(100000, 'x'), kKnown).empty());
}

TEST_CASE("Poco's logging keys are those that its configurator reads") {
  CHECK(isPocoLoggingKey("logging.loggers.root.channel"));
  CHECK(isPocoLoggingKey("logging.formatters.f.class"));
  CHECK(isPocoLoggingKey("logging.channels.c.class"));
  CHECK_FALSE(isPocoLoggingKey("logging.level"));
  CHECK_FALSE(isPocoLoggingKey("logging.channel.c.class"));
}

TEST_CASE("Every key that a message or the documentation names is one") {
  const std::filesystem::path root(P2_SOURCE_DIR);
  // Names of hosts and files that look like keys.
  const std::set<std::string> others{"fcm.googleapis", "push.example", "push.wpool", "push.xml",
                                     "store.mariadb"};
  std::size_t named = 0;
  const auto check = [&](const std::filesystem::path& file, const std::string& text) {
    INFO(file);
    for (const auto& key : keysIn(text)) {
      if (others.contains(key) || key.starts_with("logging.")) continue;
      INFO(key);
      CHECK(findKey(key) != nullptr);
      ++named;
    }
  };
  p2::test::forEachSource(
      [&](const std::filesystem::path& path) { check(path, literalsOf(p2::test::contentOf(path))); });
  for (const char* file : {"README.md", "p2.properties", "packaging/man/p2.8.in",
                           "packaging/man/p2-guide.7.md", "packaging/man/p2-privacy.7.md"}) {
    check(root / file, p2::test::contentOf(root / file));
  }
  CHECK(named > 100);
}
