#include "p2/settings/Codecs.h"
#include "p2/settings/Keys.h"
#include "p2/settings/Parser.h"
#include "support/Catch.h"

#include <random>
#include <sstream>
#include <string>
#include <vector>

using namespace p2;
using namespace p2::settings;
using Lines = std::vector<std::string>;

namespace {

const std::string kRequired =
    "xmpp.jid = push.example.org\n"
    "xmpp.sharedSecret = s3cret\n"
    "fcm.serviceAccountFile = /sa.json\n";

/// The files that settings may name in these tests.
core::Result<FileContent> fakeFile(const std::filesystem::path& path, std::size_t) {
  if (path == "/sa.json" || path == "/ca.pem") return FileContent{"{}", false};
  if (path == "/open.json") return FileContent{"{}", true};
  if (path == "/secret") return FileContent{"from-file\n", false};
  if (path == "/secret-crlf") return FileContent{"from-file\r\n", false};
  if (path == "/secret-open") return FileContent{"from-file", true};
  if (path == "/secret-newlines") return FileContent{"\n", false};
  if (path == "/secret-two-lines") return FileContent{"from\nfile\n", false};
  if (path == "/denied") return core::Error{"may not be read"};
  return core::Error{"does not exist"};
}

ParsedSettings parsed(const std::string& text, const Environment& environment = {},
                      const std::string& file = "f") {
  return parse({text, false}, file, environment, fakeFile);
}

/// The settings of the required keys and `text`, with the required first, on lines 1 to 3.
Settings good(const std::string& text, const Environment& environment = {}) {
  const auto result = parsed(kRequired + text, environment);
  CHECK(result.faults == Lines{});
  REQUIRE(result.settings);
  return *result.settings;
}

struct Case {
  std::string text;  ///< After the three required lines.
  Environment environment;
  Lines expected;
};

void checkFaults(const std::vector<Case>& cases) {
  for (const auto& [text, environment, expected] : cases) {
    INFO(text);
    const auto result = parsed(kRequired + text, environment);
    CHECK(result.faults == expected);
    CHECK_FALSE(result.settings);
  }
}

void checkWarnings(const std::vector<Case>& cases) {
  for (const auto& [text, environment, expected] : cases) {
    INFO(text);
    const auto result = parsed(kRequired + text, environment);
    CHECK(result.warnings == expected);
    CHECK(result.faults == Lines{});
    CHECK(result.settings);
  }
}

}  // namespace

TEST_CASE("The three required keys are enough, and the rest has its default") {
  const auto settings = good("");
  CHECK(settings.xmpp.jid == "push.example.org");
  CHECK(settings.xmpp.sharedSecret.equals("s3cret"));
  CHECK(settings.xmpp.host == "127.0.0.1");
  CHECK(settings.xmpp.port == 5347);
  CHECK(settings.xmpp.tls == Tls::none);
  CHECK(settings.xmpp.caFile.empty());
  CHECK(settings.xmpp.maxStanzaSize == 262144);
  CHECK(settings.store.path == "/var/lib/p2");
  CHECK(settings.store.expireAfter == std::chrono::seconds(0));
  CHECK(settings.store.kind == StoreKind::lmdb);
  CHECK(codec::Hosts::format(settings.store.mariadb.hosts) == "127.0.0.1:3306");
  CHECK(settings.store.mariadb.database == "p2");
  CHECK(settings.store.mariadb.user == "p2");
  CHECK(settings.store.mariadb.password.empty());
  CHECK(settings.store.mariadb.tls == DatabaseTls::none);
  CHECK(settings.store.mariadb.connections == 4);
  CHECK(settings.store.mariadb.timeout == std::chrono::seconds(5));
  CHECK(settings.fcm.serviceAccountFile == "/sa.json");
  CHECK(settings.fcm.authKey.empty());
  CHECK(settings.fcm.endpoint == "https://fcm.googleapis.com");
  CHECK(settings.fcm.caFile.empty());
  CHECK(settings.fcm.proxy.empty());
  CHECK(settings.fcm.priority == Priority::high);
  CHECK(settings.fcm.collapse);
  CHECK_FALSE(settings.fcm.ttl);
  CHECK(settings.xmpp.connections == 1);
  CHECK(settings.fcm.connections == 256);
  CHECK(settings.fcm.timeout == std::chrono::seconds(15));
  CHECK(settings.fcm.goneAfter == std::chrono::hours(1));
  CHECK(settings.push.queue == 20000);
  CHECK(settings.push.deadline == std::chrono::seconds(25));
  CHECK(settings.push.spacing == std::chrono::seconds(1));
  CHECK(settings.limits.registrationsPerAccount == 30);
  CHECK(settings.limits.accountBurst() == 90);
  CHECK(settings.limits.registrationsPerMinute == 6000);
  CHECK(settings.limits.newRegistrationsPerHour == 100000);
  CHECK(settings.limits.pushesPerSecond == 2000);
  CHECK(settings.limits.pushBurst() == 20000);
  CHECK(settings.limits.unknownPerHour == 10);
  CHECK(settings.limits.unknownAfter == std::chrono::hours(1));
  CHECK(settings.limits.allowDomains.empty());
  CHECK(settings.limits.denyDomains.empty());
  REQUIRE(settings.http.listen);
  CHECK(settings.http.listen->host == "127.0.0.1");
  CHECK(settings.http.listen->port == 9357);
  CHECK(settings.logging.level == LogLevel::information);
  CHECK(settings.logging.poco.empty());
}

TEST_CASE("Every key can be set in the file") {
  const auto settings = good(
      "xmpp.host = [::1]\nxmpp.port = 5275\nxmpp.tls = direct\nxmpp.caFile = /ca.pem\n"
      "xmpp.maxStanzaSize = 65536\nstore.path = /data/p2\nstore.expireAfter = 270d\n"
      "store.kind = mariadb\nstore.mariadb.hosts = db1, db2:3307 ,[::1]:3308,::2\n"
      "store.mariadb.database = d\nstore.mariadb.user = u\nstore.mariadb.password = p;w\n"
      "store.mariadb.tls = verified\nstore.mariadb.caFile = /ca.pem\nstore.mariadb.connections = 8\n"
      "store.mariadb.timeout = 2s\n"
      "fcm.authKey = legacy\nfcm.endpoint = https://gateway.example.org:8443/fcm/\nfcm.caFile = /ca.pem\n"
      "fcm.proxy = http://me:pass@proxy:3128\nfcm.priority = auto\nfcm.collapse = No\nfcm.ttl = 0\n"
      "fcm.connections = 2\nfcm.timeout = 500ms\nfcm.goneAfter = 2d\n"
      "push.queue = 7\npush.deadline = 20s\npush.spacing = 0\n"
      "limits.registrationsPerAccount = 3\nlimits.unknownPerHour = 8\nlimits.newRegistrationsPerHour = 9\n"
      "limits.unknownAfter = 90m\n"
      "limits.registrationsPerMinute = 0\nlimits.pushesPerSecond = 5\n"
      "limits.allowDomains = b.example, A.example ,b.example\nlimits.denyDomains = c.example\n"
      "http.listen =\nlogging.level = trace\nlogging.channels.c.class = FileChannel\n");
  CHECK(settings.xmpp.host == "::1");
  CHECK(settings.xmpp.port == 5275);
  CHECK(settings.xmpp.tls == Tls::direct);
  CHECK(settings.xmpp.caFile == "/ca.pem");
  CHECK(settings.xmpp.maxStanzaSize == 65536);
  CHECK(settings.store.path == "/data/p2");
  CHECK(settings.store.expireAfter == std::chrono::hours(24 * 270));
  CHECK(settings.store.kind == StoreKind::mariadb);
  CHECK(codec::Hosts::format(settings.store.mariadb.hosts) == "db1:3306, db2:3307, [::1]:3308, [::2]:3306");
  CHECK(settings.store.mariadb.database == "d");
  CHECK(settings.store.mariadb.user == "u");
  CHECK(settings.store.mariadb.password.equals("p;w"));
  CHECK(settings.store.mariadb.tls == DatabaseTls::verified);
  CHECK(settings.store.mariadb.caFile == "/ca.pem");
  CHECK(settings.store.mariadb.connections == 8);
  CHECK(settings.store.mariadb.timeout == std::chrono::seconds(2));
  CHECK(settings.fcm.authKey.equals("legacy"));
  CHECK(settings.fcm.endpoint == "https://gateway.example.org:8443/fcm");
  CHECK(settings.fcm.caFile == "/ca.pem");
  CHECK(settings.fcm.proxy.equals("http://me:pass@proxy:3128"));
  CHECK(settings.fcm.priority == Priority::automatic);
  CHECK_FALSE(settings.fcm.collapse);
  CHECK(settings.fcm.ttl == std::chrono::seconds(0));
  CHECK(settings.fcm.connections == 2);
  CHECK(settings.fcm.timeout == std::chrono::milliseconds(500));
  CHECK(settings.fcm.goneAfter == std::chrono::hours(48));
  CHECK(settings.push.queue == 7);
  CHECK(settings.push.deadline == std::chrono::seconds(20));
  CHECK(settings.push.spacing == std::chrono::seconds(0));
  CHECK(settings.limits.registrationsPerAccount == 3);
  CHECK(settings.limits.registrationsPerMinute == 0);
  CHECK(settings.limits.newRegistrationsPerHour == 9);
  CHECK(settings.limits.unknownPerHour == 8);
  CHECK(settings.limits.unknownAfter == std::chrono::minutes(90));
  CHECK(settings.limits.pushesPerSecond == 5);
  CHECK(settings.limits.allowDomains == Lines{"a.example", "b.example"});
  CHECK(settings.limits.denyDomains == Lines{"c.example"});
  CHECK_FALSE(settings.http.listen);
  CHECK(settings.logging.level == LogLevel::trace);
  CHECK(settings.logging.poco ==
        std::map<std::string, std::string>{{"logging.channels.c.class", "FileChannel"}});
}

TEST_CASE("All faults are listed at once, in the order of the file") {
  const auto result =
      parsed("fcm.timeout = 15\nxmpp.jid =\nxmpp.prot = 1\nxmpp.port = 0\n", {{"P2_PUSH_QUEUE", "many"}});
  CHECK_FALSE(result.settings);
  CHECK(
      result.faults ==
      Lines{
          "f:1: fcm.timeout = \"15\": the unit is missing; give a number with a unit (ms, s, m, h or d), "
          "such "
          "as 15s, 2h or 270d.",
          "f:2: xmpp.jid is empty: give the component's name as the XMPP server knows it, such as "
          "push.example.org.",
          "f:3: \"xmpp.prot\" is not a key of p2; did you mean xmpp.port?",
          "f:4: xmpp.port = \"0\": give a number from 1 to 65535.",
          "environment variable P2_PUSH_QUEUE: push.queue = \"many\": give a number from 1 to 10000000.",
          "f: xmpp.sharedSecret is missing: give the secret that the XMPP server has for this component, or "
          "name a file that holds it with xmpp.sharedSecretFile (or set P2_XMPP_SHAREDSECRET).",
          "f: fcm.serviceAccountFile is missing: in the Firebase console open Project settings, Service "
          "accounts, choose \"Generate new private key\", copy the file to this machine and give its path "
          "(or "
          "set P2_FCM_SERVICEACCOUNTFILE)."});
}

TEST_CASE("A fault names the line and the key, what is wrong and what would be right") {
  checkFaults({
      {"xmpp.port = 65536", {}, {"f:4: xmpp.port = \"65536\": give a number from 1 to 65535."}},
      {"xmpp.port = -1", {}, {"f:4: xmpp.port = \"-1\": give a number from 1 to 65535."}},
      {"xmpp.port =", {}, {"f:4: xmpp.port is empty: give a number from 1 to 65535."}},
      {"xmpp.port = 5347 # usual",
       {},
       {"f:4: xmpp.port = \"5347 # usual\": give a number from 1 to 65535. A comment needs a line of its "
        "own."}},
      {"xmpp.host = localhost:5347",
       {},
       {"f:4: xmpp.host = \"localhost:5347\": give a host name or an IP address, without a port."}},
      {"fcm.collapse = maybe", {}, {"f:4: fcm.collapse = \"maybe\": give true or false."}},
      {"fcm.priority = HIGH", {}, {"f:4: fcm.priority = \"HIGH\": give one of high, normal, auto."}},
      {"fcm.ttl = 29d", {}, {"f:4: fcm.ttl = \"29d\": give a duration from 0 to 28d."}},
      {"push.deadline = 60s", {}, {"f:4: push.deadline = \"60s\": give a duration from 100ms to 30s."}},
      {"xmpp.maxStanzaSize = 9999",
       {},
       {"f:4: xmpp.maxStanzaSize = \"9999\": give a number from 10000 to 16777216."}},
      {"http.listen = 9357",
       {},
       {"f:4: http.listen = \"9357\": give an address and a port, such as 127.0.0.1:9357, or nothing for "
        "off."}},
      {"limits.denyDomains = a.example,,b.example",
       {},
       {"f:4: limits.denyDomains = \"a.example,,b.example\": give domains with commas between them, such as "
        "example.org, example.net."}},
      {"fcm.endpoint = fcm.googleapis.com",
       {},
       {"f:4: fcm.endpoint = \"fcm.googleapis.com\": give an address such as https://fcm.googleapis.com."}},
      {"xmpp.caFile = /nowhere",
       {},
       {"f:4: xmpp.caFile = \"/nowhere\": the file does not exist; correct the path, or put it there."}},
      {"fcm.caFile = /denied",
       {},
       {"f:4: fcm.caFile = \"/denied\": the file may not be read; correct the path, or put it there."}},
      {"xmpp.host = \x01\x02",
       {},
       {"f:4: this line has a byte that no text has; the settings must be a plain text file.",
        "f: xmpp.jid is missing: give the component's name as the XMPP server knows it, such as "
        "push.example.org "
        "(or set P2_XMPP_JID).",
        "f: xmpp.sharedSecret is missing: give the secret that the XMPP server has for this component, or "
        "name a "
        "file that holds it with xmpp.sharedSecretFile (or set P2_XMPP_SHAREDSECRET).",
        "f: fcm.serviceAccountFile is missing: in the Firebase console open Project settings, Service "
        "accounts, "
        "choose \"Generate new private key\", copy the file to this machine and give its path (or set "
        "P2_FCM_SERVICEACCOUNTFILE)."}},
      {"\n\nxmpp.host",
       {},
       {"f:6: this line has no '='; a setting is written as key = value, a comment begins with #."}},
      {" = 5", {}, {"f:4: this line has nothing before its '='; a setting is written as key = value."}},
      {"xmpp.port = 1\n# between\nxmpp.port = 1",
       {},
       {"f:6: xmpp.port was set before, on line 4; remove one of the two."}},
      {"logging.channels.c.class = FileChannel\nlogging.channels.c.class = FileChannel",
       {},
       {"f:5: logging.channels.c.class was set before, on line 4; remove one of the two."}},
      {"xmpp.sharedSecretFile = /secret",
       {},
       {"f:4: xmpp.sharedSecret and xmpp.sharedSecretFile are both set; keep one of them."}},
  });
}

TEST_CASE(
    "A relative path leads beside the settings file, one of the environment from the working directory") {
  std::vector<std::filesystem::path> asked;
  const auto read = [&asked](const std::filesystem::path& path, std::size_t) {
    asked.push_back(path);
    return core::Result<FileContent>(FileContent{"secret", false});
  };
  const std::string text =
      "xmpp.jid = push.example.org\nxmpp.sharedSecretFile = secret\nfcm.serviceAccountFile = keys/sa.json\n"
      "fcm.caFile = /ca.pem\nstore.path = data\nlogging.channels.file.path = log/p2.log\n"
      "logging.channels.other.path = /log/p2.log\nlogging.channels.file.rotation = 1 M\n";
  struct Place {
    const char* file;
    const char* beside;
  };
  for (const auto& [file, beside] :
       {Place{"/etc/p2/p2.properties", "/etc/p2/"}, Place{"p2.properties", "/home/"},
        Place{"conf/p2.properties", "/home/conf/"}}) {
    CAPTURE(file);
    asked.clear();
    const auto result = parse({text, false}, file, {{"P2_XMPP_CAFILE", "own/ca.pem"}}, read, "/home");
    REQUIRE(result.settings);
    const auto& settings = *result.settings;
    const std::string at(beside);
    CHECK(settings.store.path == at + "data");
    CHECK(settings.fcm.serviceAccountFile == at + "keys/sa.json");
    CHECK(settings.fcm.caFile == "/ca.pem");
    CHECK(settings.xmpp.caFile == "/home/own/ca.pem");
    CHECK(settings.logging.poco.at("logging.channels.file.path") == at + "log/p2.log");
    CHECK(settings.logging.poco.at("logging.channels.other.path") == "/log/p2.log");
    CHECK(settings.logging.poco.at("logging.channels.file.rotation") == "1 M");
    const std::vector<std::filesystem::path> expected{at + "secret", at + "keys/sa.json", "/home/own/ca.pem",
                                                      "/ca.pem"};
    CHECK(asked == expected);
  }
  // In a config.json, too.
  const auto json =
      parse({R"({"fcm.serviceAccountFile": "sa.json"})", false}, "/etc/p2/config.json", {}, read);
  CHECK(asked.back() == "/etc/p2/sa.json");
}

TEST_CASE("A value that is wrong and may hold a password is not shown, and no advice goes by its default") {
  for (const std::string text : {"fcm.endpoint = https://user:HIDDEN@gateway.example.org/",
                                 "xmpp.host = u:HIDDEN@h", "http.listen = HIDDEN@127.0.0.1:80"}) {
    const auto result = parsed("xmpp.jid = p.example\nxmpp.sharedSecret = s\nfcm.authKey = legacy\n" + text);
    REQUIRE(result.faults.size() == 1);
    CHECK(result.faults[0].find("HIDDEN") == std::string::npos);
    CHECK(result.faults[0].find("f:4: ") == 0);
    // Without the endpoint the key would be called one for other gateways than Google's.
    CHECK((text.starts_with("fcm.endpoint") ? result.warnings : Lines{}) == Lines{});
  }
}

TEST_CASE("An unknown key is answered with the key that was probably meant") {
  checkFaults({
      {"xmpp.sharedsecretfile = /secret",
       {},
       {"f:4: \"xmpp.sharedsecretfile\" is not a key of p2; did you mean xmpp.sharedSecretFile?"}},
      {"fcm.colapse = true", {}, {"f:4: \"fcm.colapse\" is not a key of p2; did you mean fcm.collapse?"}},
      {"port = 5347", {}, {"f:4: \"port\" is not a key of p2; did you mean xmpp.port?"}},
      {"logging.levle = debug",
       {},
       {"f:4: \"logging.levle\" is not a key of p2; did you mean logging.level?"}},
      {"apns.certificate = x",
       {},
       {"f:4: \"apns.certificate\" is not a key of p2; the shipped p2.properties lists them all."}},
  });
}

TEST_CASE("MariaDB's password comes from its key or from a file, and is needed only there") {
  const std::string mariadb = "store.kind = mariadb\n";
  CHECK(good(mariadb + "store.mariadb.passwordFile = /secret\n").store.mariadb.password.equals("from-file"));
  checkFaults({
      {"store.kind = mariadb",
       {},
       {"f: store.mariadb.password is missing: give the password of the database's user, or name a file that "
        "holds it with store.mariadb.passwordFile (or set P2_STORE_MARIADB_PASSWORD)."}},
      {mariadb + "store.mariadb.password = HIDDEN\nstore.mariadb.passwordFile = /secret",
       {},
       {"f:6: store.mariadb.password and store.mariadb.passwordFile are both set; keep one of them."}},
      {mariadb + "store.mariadb.passwordFile = /secret-newlines",
       {},
       {"f:5: store.mariadb.passwordFile = \"/secret-newlines\": the file is empty; it must hold the secret "
        "and nothing else."}},
  });
}

TEST_CASE("The shared secret's file is trimmed of one end of line") {
  const std::string others =
      "xmpp.jid = p.example\nfcm.serviceAccountFile = /sa.json\nxmpp.sharedSecretFile = ";
  for (const char* const file : {"/secret", "/secret-crlf"}) {
    const auto result = parsed(others + file);
    CHECK(result.faults == Lines{});
    REQUIRE(result.settings);
    CHECK(result.settings->xmpp.sharedSecret.equals("from-file"));
    CHECK(result.warnings == Lines{});
  }
  CHECK(
      parsed(others + "/secret-newlines").faults ==
      Lines{
          "f:3: xmpp.sharedSecretFile = \"/secret-newlines\": the file is empty; it must hold the secret and "
          "nothing else."});
  CHECK(
      parsed(others + "/secret-two-lines").faults ==
      Lines{
          "f:3: xmpp.sharedSecretFile = \"/secret-two-lines\": the file has several lines; it must hold the "
          "secret and nothing else."});
  CHECK(parsed(others + "/missing").faults == Lines{"f:3: xmpp.sharedSecretFile = \"/missing\": the file "
                                                    "does not exist; correct the path, or put it there."});
  CHECK(
      parsed(others + "/secret-open").warnings ==
      Lines{
          "f:3: every user of this machine may read the file of xmpp.sharedSecretFile; take that right away: "
          "chmod o-r /secret-open"});
}

TEST_CASE("The environment wins over the file") {
  const auto settings = good("xmpp.port = 1\nhttp.listen = 127.0.0.1:1\n",
                             {{"P2_XMPP_PORT", " 2 "}, {"P2_HTTP_LISTEN", ""}, {"P2_FCM_COLLAPSE", "false"}});
  CHECK(settings.xmpp.port == 2);
  CHECK_FALSE(settings.http.listen);
  CHECK_FALSE(settings.fcm.collapse);
}

TEST_CASE("A bad value in the file does not matter if the environment sets the key") {
  CHECK(good("xmpp.port = bad\n", {{"P2_XMPP_PORT", "2"}}).xmpp.port == 2);
}

TEST_CASE("A secret in the environment replaces the file's, whichever of its two keys either uses") {
  CHECK(good("", {{"P2_XMPP_SHAREDSECRETFILE", "/secret"}}).xmpp.sharedSecret.equals("from-file"));
  const std::string byFile =
      "xmpp.jid = p.example\nfcm.serviceAccountFile = /sa.json\nxmpp.sharedSecretFile = /denied\n";
  const auto result = parsed(byFile, {{"P2_XMPP_SHAREDSECRET", "env"}});
  REQUIRE(result.settings);
  CHECK(result.settings->xmpp.sharedSecret.equals("env"));
  CHECK(result.settings->xmpp.sharedSecretFile.empty());
  CHECK(parsed("", {{"P2_XMPP_JID", "p.example"},
                    {"P2_XMPP_SHAREDSECRET", "env"},
                    {"P2_XMPP_SHAREDSECRETFILE", "/secret"},
                    {"P2_FCM_SERVICEACCOUNTFILE", "/sa.json"}})
            .faults == Lines{"environment variable P2_XMPP_SHAREDSECRETFILE: xmpp.sharedSecret and "
                             "xmpp.sharedSecretFile are both set; keep one of them."});
}

TEST_CASE("The reference service's environment is understood, without any file") {
  const auto result = parsed("",
                             {{"P2_JABBER_ID", "p.example"},
                              {"P2_HOSTNAME", "xmpp.example"},
                              {"P2_PORT", "5348"},
                              {"P2_SHARED_SECRET", "s"},
                              {"P2_SERVICE_ACCOUNT_FILE", "/sa.json"},
                              {"P2_FCM_COLLAPSE", "false"},
                              {"P2_DATABASE_URL", "jdbc"},
                              {"P2_APNS_SANDBOX", "true"}},
                             "");
  CHECK(result.faults == Lines{});
  REQUIRE(result.settings);
  CHECK(result.settings->xmpp.jid == "p.example");
  CHECK(result.settings->xmpp.host == "xmpp.example");
  CHECK(result.settings->xmpp.port == 5348);
  CHECK(result.settings->xmpp.sharedSecret.equals("s"));
  CHECK(result.settings->fcm.serviceAccountFile == "/sa.json");
  CHECK_FALSE(result.settings->fcm.collapse);
  CHECK(result.warnings ==
        Lines{"Environment variable P2_APNS_SANDBOX is not used: p2 does not push to Apple's devices.",
              "Environment variable P2_DATABASE_URL is not used: p2 keeps its own store, and p2 import "
              "--from-reference moves the "
              "registrations into it."});
}

TEST_CASE("Without a file a missing key is named by itself and by its variable") {
  CHECK(parsed("", {{"P2_XMPP_JID", "p.example"}, {"P2_SERVICE_ACCOUNT_FILE", "/sa.json"}}, "").faults ==
        Lines{"xmpp.sharedSecret is missing: give the secret that the XMPP server has for this component, or "
              "name "
              "a file that holds it with xmpp.sharedSecretFile (or set P2_XMPP_SHAREDSECRET)."});
}

TEST_CASE("What works but was probably not meant is a warning") {
  checkWarnings({
      {"",
       {{"P2_XMPP_HOTS", "x"}},
       {"Environment variable \"P2_XMPP_HOTS\" is not known to p2; did you mean P2_XMPP_HOST?"}},
      {"",
       {{"P2_SERVICE_HOST_ADDRESS_OF_KUBERNETES", "x"}},
       {"Environment variable \"P2_SERVICE_HOST_ADDRESS_OF_KUBERNETES\" is not known to p2."}},
      {"",
       {{"P2_PORT", "tcp://10.0.0.1:5347"}},
       {"Environment variable P2_PORT is ignored: Kubernetes sets it for a service named p2. To set the "
        "port, use "
        "P2_XMPP_PORT."}},
      {"",
       {{"P2_PORT", "1"}, {"P2_XMPP_PORT", "2"}},
       {"Environment variable P2_PORT is ignored, since P2_XMPP_PORT sets the same; remove one of the two."}},
      {"", {{"P2_PORT", "2"}, {"P2_XMPP_PORT", "2"}}, {}},
      {"", {{"HOME", "/root"}}, {}},
      {"fcm.authKey = k", {}, {"f:4: fcm.authKey is not used, since fcm.serviceAccountFile is set."}},
      {"fcm.endpoint = http://gateway.example",
       {},
       {"f:4: fcm.endpoint is http: tokens and keys cross the network unencrypted."}},
      {"fcm.endpoint = http://127.0.0.1:8080", {}, {}},
      {"fcm.endpoint = http://[::1]:8080", {}, {}},
      {"push.deadline = 5s", {}, {"fcm.timeout is longer than push.deadline, which ends a request first."}},
      {"xmpp.caFile = /ca.pem", {}, {"f:4: xmpp.caFile has no effect while xmpp.tls is none."}},
      {"store.expireAfter = 270s",
       {},
       {"f:4: store.expireAfter is below 30d: a phone renews its registration only when its app connects "
        "anew, "
        "which can take weeks, and gets no push once it is removed."}},
      {"store.expireAfter = 30d", {}, {}},
      {"store.mariadb.password = x",
       {},
       {"f:4: store.mariadb.password has no effect while store.kind is lmdb."}},
      {"store.kind = mariadb\nstore.mariadb.password = x", {}, {}},
      {"store.kind = mariadb\nstore.mariadb.password = x\nstore.mariadb.caFile = /ca.pem",
       {},
       {"f:6: store.mariadb.caFile has no effect while store.mariadb.tls is none."}},
      {"store.kind = mariadb\nstore.mariadb.password = x\nstore.mariadb.hosts = 127.0.0.1, db2",
       {},
       {"store.mariadb.tls is none: tokens cross the network unencrypted."}},
      {"store.kind = mariadb\nstore.mariadb.password = x\nstore.mariadb.timeout = 10s",
       {},
       {"f:6: store.mariadb.timeout is more than a quarter of push.deadline: with a host that stands still, "
        "servers are told to try again before another host is asked."}},
      {"limits.allowDomains = a.example\nlimits.denyDomains = A.example",
       {},
       {"f:5: limits.denyDomains names a domain of limits.allowDomains; it is not served."}},
      {"store.path = /a\\b",
       {},
       {"f:4: store.path has a single backslash: \\t, \\n, \\r and \\f stand for control characters, and "
        "before "
        "anything else it is dropped; write \\\\ for a backslash."}},
  });
}

TEST_CASE("A secret means what the documentation of the file says") {
  const std::string others = "xmpp.jid = p.example\nfcm.serviceAccountFile = /sa.json\nxmpp.sharedSecret = ";
  const std::vector<std::tuple<std::string, std::string, std::size_t>> secrets{
      {"a=b:c#d!e\"f g", "a=b:c#d!e\"f g", 0},
      {"a\\\\b", "a\\b", 0},
      {"a\\b", "ab", 1},
      {"a\\tb", "a\tb", 1},
      {"a # b", "a # b", 1},
      {"a\\\nb", "ab", 0},
      {"${xmpp.jid}", "${xmpp.jid}", 0},
      {"#a", "#a", 0},
  };
  for (const auto& [text, secret, warnings] : secrets) {
    INFO(text);
    const auto result = parsed(others + text);
    CHECK(result.faults == Lines{});
    REQUIRE(result.settings);
    CHECK(result.settings->xmpp.sharedSecret.reveal() == secret);
    CHECK(result.warnings.size() == warnings);
  }
}

TEST_CASE("The legacy key alone is enough, with a warning if the endpoint is Google's") {
  const std::string others = "xmpp.jid = p.example\nxmpp.sharedSecret = s\nfcm.authKey = k\n";
  CHECK(parsed(others).settings);
  CHECK(
      parsed(others).warnings ==
      Lines{
          "f:3: fcm.authKey is for gateways other than Google's, which switched this interface off in 2024; "
          "set fcm.serviceAccountFile, or fcm.endpoint to the gateway."});
  CHECK(parsed(others + "fcm.endpoint = https://gateway.example").warnings == Lines{});
}

TEST_CASE("Secrets in a file that everybody may read are a warning") {
  const auto result = parse({kRequired, true}, "f", {}, fakeFile);
  CHECK(result.settings);
  CHECK(result.warnings ==
        Lines{"f:2: every user of this machine may read xmpp.sharedSecret; take that right "
              "away: chmod o-r f"});
  const auto byEnvironment = parse({kRequired, true}, "f", {{"P2_XMPP_SHAREDSECRET", "e"}}, fakeFile);
  CHECK(byEnvironment.warnings == Lines{});
  CHECK(
      parsed("xmpp.jid = p.example\nxmpp.sharedSecret = s\nfcm.serviceAccountFile = /open.json\n").warnings ==
      Lines{"f:3: every user of this machine may read the file of fcm.serviceAccountFile; take that right "
            "away: "
            "chmod o-r /open.json"});
}

TEST_CASE("HTTPS_PROXY counts if no proxy is set") {
  const Environment proxy{{"HTTPS_PROXY", "http://proxy:3128/"}};
  CHECK(good("", proxy).fcm.proxy.equals("http://proxy:3128"));
  CHECK(good("fcm.proxy =\n", {{"https_proxy", "http://proxy:3128"}}).fcm.proxy.equals("http://proxy:3128"));
  CHECK(good("fcm.proxy = none\n", proxy).fcm.proxy.empty());
  CHECK(good("fcm.proxy = http://other\n", proxy).fcm.proxy.equals("http://other"));
  CHECK(parsed(kRequired, {{"HTTPS_PROXY", "socks5://me:hidden@proxy"}}).faults ==
        Lines{"environment variable HTTPS_PROXY: fcm.proxy: give an address such as "
              "http://proxy.example.org:3128 or http://user:password@proxy.example.org:3128, or none."});
}

TEST_CASE("The reference service's config.json is understood, nested and with dotted keys") {
  const std::string common =
      R"("host":"xmpp.example","port":5348,"jid":"p.example","sharedSecret":"s","debug":true,)"
      "\n"
      R"("dbUrl":"jdbc","dbUsername":"u",)";
  for (const auto* const fcm : {R"("fcm":{"serviceAccountFile":"/sa.json","collapse":false,"authKey":null}})",
                                R"("fcm.serviceAccountFile":"/sa.json","fcm.collapse":"false"})"}) {
    const auto result = parsed("{" + common + "\n" + fcm);
    CHECK(result.faults == Lines{});
    REQUIRE(result.settings);
    CHECK(result.settings->xmpp.host == "xmpp.example");
    CHECK(result.settings->xmpp.port == 5348);
    CHECK(result.settings->xmpp.jid == "p.example");
    CHECK(result.settings->xmpp.sharedSecret.equals("s"));
    CHECK(result.settings->logging.level == LogLevel::debug);
    CHECK(result.settings->fcm.serviceAccountFile == "/sa.json");
    CHECK_FALSE(result.settings->fcm.collapse);
    CHECK(result.warnings == Lines{"f:2: dbUrl is not used: p2 keeps its own store, and p2 import "
                                   "--from-reference moves the registrations into it.",
                                   "f:2: dbUsername is not used: p2 keeps its own store, and p2 import "
                                   "--from-reference moves the registrations into "
                                   "it."});
  }
}

TEST_CASE("Faults of a config.json name the line as well") {
  const std::string required = R"({"jid":"p.example","sharedSecret":"s","fcm.serviceAccountFile":"/sa.json")";
  const std::vector<std::pair<std::string, Lines>> cases{
      {",\n\"hots\":1}",
       {"f:2: the key on this line is none of p2's; the shipped p2.properties lists them all."}},
      {",\n\"port\":0}", {"f:2: xmpp.port = \"0\": give a number from 1 to 65535."}},
      {",\n\"debug\":\"x\"}",
       {"f:2: logging.level = \"x\": give one of fatal, critical, error, warning, notice, information, "
        "debug, "
        "trace."}},
      {",\n\n\"jid\":\"q.example\"}", {"f:3: this key was set before, on line 1; remove one of the two."}},
      {",\n\"fcm\":{\"serviceAccountFile\":\"/b\"}}",
       {"f:2: fcm.serviceAccountFile was set before, on line 1; remove one of the two."}},
      {",\n\"xmpp.port\":1}",
       {"f:2: \"xmpp.port\" is not a key of p2's config.json; keys of p2.properties belong in a file of that "
        "form."}},
      {",\n\"fcm.authKey\":[\"a\"]}",
       {"f:2: a list [ … ] is not expected here; the file is one object { … } of plain values."}},
      {"\n", {"f:2: this is not JSON: look for a missing comma, quote or brace here or just before."}},
  };
  for (const auto& [text, faults] : cases) {
    INFO(text);
    CHECK(parsed(required + text).faults == faults);
  }
  CHECK(parsed(required + ",\"debug\":false}").settings->logging.level == LogLevel::information);
  CHECK(parsed("port = 1", {}, "f.json").faults.front() ==
        "f.json:1: this is not JSON: look for a missing comma, quote or brace here or just before.");
  CHECK(parsed("\xEF\xBB\xBF" + required + "}").settings);
}

TEST_CASE("A byte order mark and the line ends of Windows do no harm") {
  CHECK(parsed("\xEF\xBB\xBFxmpp.jid=p.example\r\nxmpp.sharedSecret=s\r\nfcm.serviceAccountFile=/sa.json\r\n")
            .settings);
  CHECK(parsed("xmpp.jid=p.example\r\n\r\nxmpp.prot=1\r\n").faults.front() ==
        "f:3: \"xmpp.prot\" is not a key of p2; did you mean xmpp.port?");
}

TEST_CASE("An empty file says so beside what is missing") {
  const auto result = parsed("");
  CHECK(result.faults.size() == 3);
  CHECK(result.warnings == Lines{"f: the file is empty."});
}

TEST_CASE("A text above 1 MiB is refused unread") {
  const auto result = parsed(std::string(kMaxSettingsFileSize + 1, '#'));
  REQUIRE_FALSE(result.faults.empty());
  CHECK(result.faults.front() == "f: this file is larger than 1 MiB and cannot be a settings file.");
}

TEST_CASE("No more than 100 faults are listed, and the rest is counted") {
  std::string text = kRequired;
  for (int i = 0; i < 150; ++i) text += "no such line\n";
  const auto faults = parsed(text).faults;
  REQUIRE(faults.size() == 101);
  CHECK(faults.back() == "and 50 more.");
}

TEST_CASE("Neither secrets nor JIDs are in any fault or warning") {
  const std::string texts[] = {
      "xmpp.jid = HIDDEN@example.org/phone\nxmpp.sharedSecret =\nHIDDEN\nHIDDEN=\nHIDDEN=\n",
      "xmpp.sharedSecret = HIDDEN\\x # HIDDEN\nxmpp.sharedSecret = HIDDEN\nfcm.authKey = HIDDEN\n",
      "fcm.proxy = socks://HIDDEN\nxmpp.sharedSecret = HIDDEN\nxmpp.sharedSecretFile = /secret\n",
      R"({"sharedSecret":"HIDDEN","jid":"HIDDEN@example.org","dbPassword":"HIDDEN","HIDDEN":"HIDDEN",)",
      R"({"apns.key":"HIDDEN","sharedSecret":"HIDDEN"HIDDEN)",
  };
  for (const auto& text : texts) {
    INFO(text);
    const auto result =
        parse({text, true}, "f", {{"HTTPS_PROXY", "HIDDEN"}, {"P2_DATABASE_X", "HIDDEN"}}, fakeFile);
    CHECK_FALSE(result.faults.empty());
    for (const auto& fault : result.faults) CHECK(fault.find("HIDDEN") == std::string::npos);
    for (const auto& warning : result.warnings) CHECK(warning.find("HIDDEN") == std::string::npos);
  }
}

TEST_CASE("Whatever the bytes, parsing ends with settings or with faults") {
  std::mt19937 random(20240601);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same bytes in every run
  const auto number = [&random](std::size_t below) {
    return std::uniform_int_distribution<std::size_t>(0, below - 1)(random);
  };
  const auto randomText = [&](std::size_t most) {
    static constexpr std::string_view kLikely = "=:#!\\\r\n\t {}[]\",.0123456789truefalsenull\xEF\xBB\xBF";
    std::string text(number(most), ' ');
    for (auto& c : text)
      c = number(4) == 0 ? static_cast<char>(number(256)) : kLikely[number(kLikely.size())];
    return text;
  };
  const std::string seeds[] = {
      kRequired + "fcm.timeout = 15s\nhttp.listen = [::1]:1\nlimits.allowDomains = a.example, b.example\n",
      R"({"host":"h","port":1,"jid":"p.example","fcm":{"serviceAccountFile":"/sa.json","collapse":true},"debug":1.5})",
      ""};
  std::size_t complete = 0;
  for (int round = 0; round < 6000; ++round) {
    std::string text = seeds[number(3)];
    for (auto edits = number(4); edits > 0; --edits) {
      const auto at = number(text.size() + 1);
      text.replace(at, number(4), randomText(12));
    }
    Environment environment;
    for (const auto& key : allKeys()) {
      if (number(20) == 0) environment[environmentName(key)] = randomText(12);
    }
    if (number(20) == 0) environment["P2_" + randomText(8)] = randomText(8);
    const auto result = parsed(text, environment, number(10) == 0 ? "f.json" : "f");
    REQUIRE(result.settings.has_value() == result.faults.empty());
    complete += result.settings ? 1 : 0;
  }
  CHECK(complete > 0);
}

TEST_CASE("Where the reference service has its registrations is known from its settings, right or wrong") {
  const std::string text = R"("dbUrl":"jdbc:mariadb://db/push","dbUsername":"u","dbPassword":"p"})";
  const std::string json =
      R"({"jid":"p.example","sharedSecret":"s","fcm.serviceAccountFile":"/sa.json",)" + text;
  for (const auto& file : {json, '{' + text}) {
    const auto reference = parsed(file).reference;
    CHECK(reference.url.equals("jdbc:mariadb://db/push"));
    CHECK(reference.user == "u");
    CHECK(reference.password.equals("p"));
  }
  const Environment environment{
      {"P2_DATABASE_URL", "url"}, {"P2_DATABASE_USERNAME", "v"}, {"P2_DATABASE_PASSWORD", "q"}};
  for (const auto& file : {std::string(), json}) {
    const auto reference = parsed(file, environment).reference;
    CHECK(reference.url.equals("url"));
    CHECK(reference.user == "v");
    CHECK(reference.password.equals("q"));
  }
  CHECK(parsed("").reference.url.empty());
}
