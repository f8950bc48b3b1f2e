#include "fcm/TestAccount.h"
#include "links/ComponentLink.h"
#include "links/FcmLink.h"
#include "p2/settings/Keys.h"
#include "support/Catch.h"
#include "support/TemporaryDirectory.h"

#include <fstream>
#include <map>
#include <string>

using namespace p2;
using namespace p2::app;

namespace {

/// A link made of settings whose service account is a right one.
class LinkFixture {
 public:
  LinkFixture() {
    settings.serviceAccountFile = directory.path() / "sa.json";
    write(test::accountFields("https://127.0.0.1:1/token"));
  }

  void write(const std::map<std::string, std::string>& fields) const {
    std::ofstream(settings.serviceAccountFile) << test::toJson(fields);
  }

  FcmLink link() {
    auto made = FcmLink::make(settings, metrics);
    if (!made) FAIL(made.error());
    return std::move(made).value();
  }
  std::string fault() {
    const auto made = FcmLink::make(settings, metrics);
    return made ? "" : made.error();
  }

  test::TemporaryDirectory directory;
  core::Metrics metrics;
  settings::Settings::Fcm settings = settings::defaultSettings().fcm;
};

}  // namespace

TEST_CASE("With a service account FCM is reached by HTTP v1, with the project that stands in it") {
  LinkFixture fixture;
  const auto link = fixture.link();
  CHECK(link.tokens != nullptr);
  CHECK(link.config.projectId == test::accountFields().at("project_id"));
  CHECK(link.warnings.empty());
  CHECK(link.makeSender);
}

TEST_CASE("The legacy interface needs no token, and warns where it is Google's") {
  LinkFixture fixture;
  fixture.settings.serviceAccountFile.clear();
  fixture.settings.authKey = core::Secret("key");
  const auto link = fixture.link();
  CHECK(link.tokens == nullptr);
  CHECK(link.warnings.size() == 1);
  fixture.settings.endpoint = "https://gateway.example.org";
  CHECK(fixture.link().warnings.empty());
}

TEST_CASE("Who we are to FCM changes with account, key, place and proxy, and with nothing else") {
  LinkFixture fixture;
  const auto identity = fixture.link().identity;
  CHECK(fixture.link().identity == identity);
  fixture.settings.priority = settings::Priority::normal;
  fixture.settings.connections = 7;
  CHECK(fixture.link().identity == identity);

  SECTION("another key of the account") {
    auto fields = test::accountFields("https://127.0.0.1:1/token");
    fields["private_key_id"] = "another";
    fixture.write(fields);
  }
  SECTION("another project") {
    auto fields = test::accountFields("https://127.0.0.1:1/token");
    fields["project_id"] = "another";
    fixture.write(fields);
  }
  SECTION("another endpoint") {
    fixture.settings.endpoint = "https://gateway.example.org";
  }
  SECTION("a proxy") {
    fixture.settings.proxy = core::Secret("http://proxy.example.org:3128");
  }
  SECTION("the legacy interface") {
    fixture.settings.serviceAccountFile.clear();
    fixture.settings.authKey = core::Secret("key");
  }
  CHECK_FALSE(fixture.link().identity == identity);
}

TEST_CASE("What is not right is told with the name of its setting") {
  LinkFixture fixture;
  fixture.settings.serviceAccountFile = fixture.directory.path() / "none.json";
  CHECK(fixture.fault().starts_with("fcm.serviceAccountFile"));
  fixture.settings.caFile = fixture.directory.path() / "none.pem";
  CHECK(fixture.fault().find("fcm.caFile") != std::string::npos);
  fixture.settings.proxy = core::Secret("socks://proxy");
  CHECK(fixture.fault().starts_with("fcm.proxy"));
  fixture.settings.endpoint = "ftp://example.org";
  CHECK(fixture.fault().starts_with("fcm.endpoint"));
}

TEST_CASE("A component is made of the settings, with TLS only where they say so") {
  auto settings = settings::defaultSettings().xmpp;
  settings.jid = "push.example.org";
  settings.sharedSecret = core::Secret("secret");
  settings.maxStanzaSize = 12345;
  const auto plain = componentOptions(settings);
  REQUIRE(plain.ok());
  CHECK(plain.value().jid == "push.example.org");
  CHECK(plain.value().port == 5347);
  CHECK(plain.value().limits.stanzaSize == 12345);
  CHECK(plain.value().tls == nullptr);
  settings.tls = settings::Tls::direct;
  settings.caFile = "/nowhere/ca.pem";
  const auto refused = componentOptions(settings);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().find("xmpp.caFile") != std::string::npos);
}
