#include "p2/settings/Keys.h"
#include "p2/settings/Overview.h"
#include "p2/settings/Parser.h"
#include "p2/settings/Settings.h"
#include "support/Catch.h"
#include "support/ContentOf.h"

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

using namespace p2;
using namespace p2::settings;
using Lines = std::vector<std::string>;

namespace {

const Environment kRequiredVariables{{"P2_XMPP_JID", "push.example.org"},
                                     {"P2_XMPP_SHAREDSECRET", "s3cret"},
                                     {"P2_FCM_SERVICEACCOUNTFILE", "/sa.json"}};

core::Result<FileContent> anyFile(const std::filesystem::path&, std::size_t) {
  return FileContent{"x", false};
}

Settings settingsOf(const std::string& text) {
  const auto result = parse({text, false}, "f", kRequiredVariables, anyFile);
  CHECK(result.faults == Lines{});
  REQUIRE(result.settings);
  return *result.settings;
}

KeyDescription descriptionOf(const Settings& settings, const std::string& key) {
  for (auto& line : describe(settings)) {
    if (line.key == key) return line;
  }
  FAIL("not described: " + key);
  return {};
}

std::string shippedFile() {
  return test::sourceOf("p2.properties");
}

/// The line's setting without a comment mark, if it is `key = value` or `#key = value`.
std::optional<std::string> settingOf(std::string_view line) {
  if (line.starts_with('#')) line.remove_prefix(1);
  const auto key = line.substr(0, line.find_first_of(" ="));
  const bool plain = std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.';
  });
  if (key.empty() || !plain || line.find('=') == std::string_view::npos) return std::nullopt;
  return std::string(line);
}

/// Each key of the shipped file with the comment above it, in the file's order.
std::vector<std::pair<std::string, std::string>> documentedKeys() {
  std::istringstream lines(shippedFile());
  std::vector<std::pair<std::string, std::string>> keys;
  std::string comment;
  for (std::string line; std::getline(lines, line);) {
    if (const auto setting = settingOf(line)) {
      keys.emplace_back(setting->substr(0, setting->find_first_of(" =")), comment);
    }
    comment = line.starts_with("# ") ? comment + line.substr(1) : "";
  }
  return keys;
}

}  // namespace

TEST_CASE("The shipped file with every comment mark removed gives the defaults") {
  std::istringstream lines(shippedFile());
  std::string uncommented;
  for (std::string line; std::getline(lines, line);) uncommented += settingOf(line).value_or(line) + '\n';
  const auto shipped = describe(settingsOf(uncommented));
  const auto defaults = describe(settingsOf(""));
  REQUIRE(shipped.size() == defaults.size());
  for (std::size_t i = 0; i < shipped.size(); ++i) {
    INFO(shipped[i].key);
    CHECK(shipped[i].value == defaults[i].value);
  }
}

TEST_CASE("The shipped file as it is lacks exactly the required keys") {
  const auto result = parse({shippedFile(), true}, "p2.properties", {}, anyFile);
  CHECK(result.warnings == Lines{});
  REQUIRE(result.faults.size() == 3);
  CHECK(result.faults[0].find(": xmpp.jid is empty: ") != std::string::npos);
  CHECK(result.faults[1].find(": xmpp.sharedSecret is empty: ") != std::string::npos);
  CHECK(result.faults[2].find(": fcm.serviceAccountFile is empty: ") != std::string::npos);
}

TEST_CASE("The shipped file documents every key once, with its default and whether it changes live") {
  std::map<std::string, std::string> comments;
  for (const auto& [key, comment] : documentedKeys()) {
    INFO(key);
    CHECK(comments.emplace(key, comment).second);
  }
  CHECK(comments.size() == allKeys().size());
  for (const auto& key : allKeys()) {
    INFO(key.name);
    const auto comment = comments.find(std::string(key.name));
    REQUIRE(comment != comments.end());
    CHECK((comment->second.find(" Live.") != std::string::npos) == key.live);
    CHECK((comment->second.find(" Restart.") != std::string::npos) == !key.live);
  }
}

TEST_CASE("The overview shows values in effect as they are written, and no secret") {
  const auto settings = settingsOf(
      "fcm.authKey = hidden\nfcm.proxy = http://u:hidden@proxy:1\nfcm.timeout = 10000ms\nfcm.ttl = 1h\n"
      "limits.denyDomains = b.example,a.example\nlogging.channels.c.class = FileChannel\n");
  for (const auto& line : describe(settings)) {
    CHECK(line.value.find("hidden") == std::string::npos);
    CHECK(line.value.find("s3cret") == std::string::npos);
    CHECK_FALSE(line.meaning.empty());
  }
  CHECK(describe(settings).size() == allKeys().size() + 1);
  CHECK(descriptionOf(settings, "xmpp.sharedSecret").value == "***");
  CHECK(descriptionOf(settings, "fcm.authKey").value == "***");
  CHECK(descriptionOf(settings, "fcm.proxy").value == "***");
  CHECK(descriptionOf(settingsOf(""), "fcm.authKey").value.empty());
  CHECK(descriptionOf(settingsOf(""), "fcm.proxy").value == "none");
  CHECK(descriptionOf(settings, "fcm.timeout").value == "10s");
  CHECK_FALSE(descriptionOf(settings, "fcm.timeout").isDefault);
  CHECK(descriptionOf(settings, "fcm.timeout").live);
  CHECK(descriptionOf(settings, "fcm.ttl").value == "1h");
  CHECK(descriptionOf(settings, "limits.denyDomains").value == "a.example, b.example");
  CHECK(descriptionOf(settings, "xmpp.port").value == "5347");
  CHECK(descriptionOf(settings, "xmpp.port").isDefault);
  CHECK_FALSE(descriptionOf(settings, "xmpp.port").live);
  CHECK(descriptionOf(settings, "logging.channels.c.class").value == "FileChannel");
}

TEST_CASE("Only keys that cannot change live need a restart") {
  const auto running =
      settingsOf("logging.channels.a.class = FileChannel\nlogging.channels.b.class = FileChannel\n");
  CHECK(changesNeedingRestart(running, running) == Lines{});
  CHECK(changesNeedingRestart(
            running,
            settingsOf("logging.channels.a.class = NullChannel\nlogging.channels.b.class = FileChannel\n"
                       "fcm.authKey = k\nfcm.caFile = /ca\nfcm.priority = normal\nfcm.collapse = no\n"
                       "fcm.ttl = 1s\nfcm.connections = 1\nfcm.timeout = 1s\nfcm.proxy = none\n"
                       "fcm.endpoint = https://x\nfcm.goneAfter = 0\npush.queue = 1\npush.deadline = "
                       "2s\npush.spacing = 2s\n"
                       "limits.pushesPerSecond = 1\nlimits.unknownAfter = 0\nlimits.allowDomains = a\n"
                       "store.expireAfter = 90d\nlogging.level = error\n")) ==
        Lines{"logging.channels.a.class"});
  CHECK(changesNeedingRestart(
            running,
            settingsOf("xmpp.port = 1\nxmpp.tls = direct\nstore.path = /x\nhttp.listen =\n"
                       "logging.channels.b.class = FileChannel\nlogging.channels.c.class = FileChannel\n")) ==
        Lines{"xmpp.port", "xmpp.tls", "store.path", "http.listen", "logging.channels.a.class",
              "logging.channels.c.class"});
}

TEST_CASE("A changed secret needs a restart, wherever it comes from") {
  const auto running = settingsOf("");
  auto environment = kRequiredVariables;
  environment["P2_XMPP_SHAREDSECRET"] = "other";
  CHECK(changesNeedingRestart(running, *parse({}, "f", environment, anyFile).settings) ==
        Lines{"xmpp.sharedSecret"});
  environment.erase("P2_XMPP_SHAREDSECRET");
  environment["P2_XMPP_SHAREDSECRETFILE"] = "/x";
  CHECK(changesNeedingRestart(running, *parse({}, "f", environment, anyFile).settings) ==
        Lines{"xmpp.sharedSecret", "xmpp.sharedSecretFile"});
}
