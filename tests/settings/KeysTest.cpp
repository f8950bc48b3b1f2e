#include "p2/settings/Keys.h"
#include "support/Catch.h"

#include <array>
#include <set>
#include <string>

using namespace p2::settings;

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
