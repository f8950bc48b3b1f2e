#include "CommandRun.h"
#include "commands/CommandTable.h"
#include "commands/setup/AppSnippets.h"
#include "commands/setup/Neighbours.h"
#include "commands/setup/ServerSnippets.h"
#include "commands/setup/SetupCommand.h"
#include "commands/setup/StartAdvice.h"
#include "fcm/TestAccount.h"
#include "p2/settings/Keys.h"
#include "p2/settings/Loader.h"
#include "p2/settings/Source.h"
#include "p2/settings/Template.h"
#include "support/Catch.h"
#include "support/ContentOf.h"
#include "support/Has.h"
#include "support/TemporaryDirectory.h"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <sysexits.h>
#include <vector>

using namespace p2;
using namespace p2::app;
using test::contentOf;
using test::has;
using test::run;

namespace {

constexpr const char* kServices = R"({"project_info":{"project_number":"42","project_id":"my-project"},
  "client":[{"client_info":{"mobilesdk_app_id":"1:42:android:a&b",
                            "android_client_info":{"package_name":"org.example.one"}},
             "api_key":[{"current_key":"AIzaKey"}]}]})";

constexpr const char* kPushXml = R"(<?xml version="1.0" encoding="utf-8"?>
<resources>
  <string name="app_server">push.example.org</string>
  <string name="gcm_defaultSenderId" translatable="false">42</string>
  <string name="google_app_id" translatable="false">1:42:android:a&amp;b</string>
  <string name="project_id" translatable="false">my-project</string>
  <string name="google_api_key" translatable="false">AIzaKey</string>
</resources>
)";

settings::Settings::Xmpp streamSettings() {
  settings::Settings::Xmpp made;
  made.host = "127.0.0.1";
  made.port = 5347;
  made.jid = "push.example.org";
  made.sharedSecret = core::Secret("s\"e\\cret");
  return made;
}

std::string snippet(std::string_view server, const settings::Settings::Xmpp& settings) {
  const auto* const kind = serverKind(server);
  REQUIRE(kind != nullptr);
  return kind->snippet(settings);
}

/// A folder with the files that a setup needs.
struct Folder {
  test::TemporaryDirectory directory;
  std::filesystem::path config = directory.path() / "p2.properties";
  std::filesystem::path account = directory.path() / "account.json";

  Folder() { std::ofstream(account) << test::toJson(test::accountFields()); }
};

}  // namespace

TEST_CASE("A value is put in the place of its key, commented or not, and comments stay") {
  CHECK(settings::fillIn("# about a\na =\n#b = 1\n", {{"a", "x"}, {"b", "2"}}) ==
        "# about a\na = x\nb = 2\n");
  CHECK(settings::fillIn("ab = 1\na=0\n", {{"a", "x"}}) == "ab = 1\na = x\n");
  CHECK(settings::fillIn("a = 1\n", {{"c", "back\\slash"}}) == "a = 1\nc = back\\\\slash\n");
  CHECK(settings::fillIn("", {{"a", "x"}}) == "a = x\n");
}

TEST_CASE("The snippets for the servers hold name, secret and port as the servers quote them") {
  CHECK(snippet("prosody", streamSettings()) ==
        "-- prosody.cfg.lua; then restart Prosody\n-- at the end of the file:\n"
        "Component \"push.example.org\"\n    component_secret = \"s\\\"e\\\\cret\"\n"
        "-- and for your users: modules_enabled needs \"smacks\" and \"cloud_notify\" (Debian: "
        "prosody-modules)\n");
  CHECK(snippet("metronome", streamSettings()) ==
        "-- metronome.cfg.lua; then restart Metronome\n-- at the end of the file:\n"
        "Component \"push.example.org\"\n    component_secret = \"s\\\"e\\\\cret\"\n"
        "-- and for your users: modules_enabled needs \"push\"\n");
  CHECK(snippet("ejabberd", streamSettings()) ==
        "# ejabberd.yml, below listen: ; then restart ejabberd\n  -\n    port: 5347\n    ip: \"127.0.0.1\"\n"
        "    module: ejabberd_service\n    hosts:\n      \"push.example.org\":\n"
        "        password: \"s\\\"e\\\\cret\"\n"
        "# and for your users, below modules: mod_push: {} and mod_stream_mgmt: {}\n");
  auto remote = streamSettings();
  remote.host = "xmpp.example.org";
  remote.port = 8888;
  remote.tls = settings::Tls::direct;
  for (const auto* lua : {"prosody", "metronome"}) {
    CHECK(snippet(lua, remote).find("component_ports = { 8888 }\ncomponent_interfaces = { \"0.0.0.0\" }") !=
          std::string::npos);
  }
  CHECK(snippet("ejabberd", remote).find("    tls: true\n") != std::string::npos);
  CHECK(snippet("mongooseim", remote).find("[[listen.component]]\n  port = 8888\n") != std::string::npos);
  CHECK(snippet("openfire", remote).find("subdomain \"push\"") != std::string::npos);
  auto tigase = remote;
  tigase.sharedSecret = core::Secret("cafe");
  CHECK(snippet("tigase", tigase).find("ext () {}\n") != std::string::npos);
  CHECK(snippet("tigase", tigase).find("\npush.example.org:cafe:listen:8888\n") != std::string::npos);
  CHECK(dnsAdvice(remote).starts_with("push.example.org."));
}

TEST_CASE(
    "Setup takes each server that it knows, shows what that one needs, and says to restart it if it must") {
  const Folder folder;
  const auto help = run({"setup", "--help"}, {.config = folder.config}).out;
  const auto setup = [&](const std::string& server) {
    std::vector<std::string> words{"setup", "--jid=push.example.org",
                                   "--service-account=" + folder.account.string(), "--force"};
    if (!server.empty()) words.push_back("--server=" + server);
    return run(words, {.config = folder.config});
  };
  const auto wrong = setup("jabberd");
  CHECK(wrong.code == EX_USAGE);
  for (const auto& kind : serverKinds()) {
    const std::string name(kind.name);
    INFO(name);
    CHECK(help.find(name) != std::string::npos);
    CHECK(wrong.err.find(name) != std::string::npos);
    const auto done = setup(name);
    REQUIRE(done.code == EX_OK);
    const auto secret = settings::load(folder.config, {}, {}).settings->xmpp.sharedSecret.reveal();
    CHECK(done.out.find(secret) != std::string::npos);
    for (const auto& other : serverKinds()) {
      const bool shown = done.out.find("---- " + std::string(other.title) + '\n') != std::string::npos;
      CHECK(shown == (&other == &kind));
    }
    CHECK((done.out.find("\nrestart the XMPP server\n") != std::string::npos) == kind.restarts);
  }
  CHECK_FALSE(serverKind("openfire")->restarts);
  const auto all = setup("");
  for (const auto& kind : serverKinds()) {
    CHECK(all.out.find("---- " + std::string(kind.title) + '\n') != std::string::npos);
  }
  CHECK(all.out.find("restart the XMPP server (not needed: Openfire)\n") != std::string::npos);
}

TEST_CASE("What setup says that an option is if it is not given, is the default of its key") {
  const auto command = setupCommand();
  for (const auto& [name, key] : std::map<std::string_view, std::string_view>{
           {"host", "xmpp.host"}, {"port", "xmpp.port"}, {"store", "store.path"}}) {
    CAPTURE(name);
    const auto option =
        std::find_if(command.options.begin(), command.options.end(),
                     [wanted = name](const CommandOption& each) { return each.name == wanted; });
    REQUIRE(option != command.options.end());
    const auto fallback = std::string(settings::findKey(key)->fallback);
    CHECK(option->meaning.ends_with("; " + fallback + " if not given"));
  }
}

TEST_CASE("Conversations' push.xml comes from google-services.json") {
  const auto xml = pushXml(kServices, "", "push.example.org");
  REQUIRE(xml.ok());
  CHECK(xml.value() == kPushXml);
  CHECK(pushXml(kServices, "org.example.one", "push.example.org").ok());
}

TEST_CASE("A google-services.json that is none, or names other apps, is said to") {
  CHECK(pushXml(kServices, "org.example.two", "p").error() ==
        "does not name that app; there are: org.example.one");
  for (const char* text : {"", "[]", "{}", R"({"client":[{}]})", R"({"client":[1],"project_info":{}})"}) {
    CHECK_FALSE(pushXml(text, "", "p").ok());
  }
  const std::string two = R"({"client":[{"client_info":{"android_client_info":{"package_name":"a"}}},
                              {"client_info":{"android_client_info":{"package_name":"b"}}}]})";
  CHECK(pushXml(two, "", "p").error() == "names several apps; choose one with --package: a, b");
}

TEST_CASE("Setup writes settings that p2 takes, with a new secret, for their readers alone") {
  const Folder folder;
  const auto done = run({"setup", "--jid=push.example.org", "--service-account=" + folder.account.string(),
                         "--server=prosody", "--port=5348"},
                        {.config = folder.config});
  INFO(done.err);
  REQUIRE(done.code == EX_OK);
  struct stat status {};
  REQUIRE(::stat(folder.config.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777U) == 0640);
  const auto loaded = settings::load(folder.config, {}, {});
  REQUIRE(loaded.faults.empty());
  CHECK(loaded.settings->xmpp.jid == "push.example.org");
  CHECK(loaded.settings->xmpp.port == 5348);
  const auto secret = loaded.settings->xmpp.sharedSecret.reveal();
  CHECK(secret.size() == 48);
  CHECK(done.out.find("component_secret = \"" + secret + '"') != std::string::npos);
  CHECK(done.out.find("ejabberd.yml") == std::string::npos);
}

TEST_CASE("Setup lets one of several p2 read the service account, and takes it from no other") {
  const auto shop = settings::Instance::named("shop").value();
  for (const auto* group : {"root", "", "p2-shop", "p2x", "users"}) {
    CHECK(has(accountAdvice(shop, "/root/a.json", group), "chgrp p2-shop /root/a.json && chmod 0640"));
  }
  for (const auto* group : {"p2", "p2-work"}) {
    const auto advice = accountAdvice(shop, "/etc/p2/a.json", group);
    CHECK(has(advice, "install -m 0640 -g p2-shop /etc/p2/a.json /etc/p2/shop.json "));
    CHECK(has(advice, "set fcm.serviceAccountFile = /etc/p2/shop.json\n"));
    CHECK_FALSE(has(advice, "chgrp"));
    CHECK(has(accountAdvice(shop, "/etc/p2/shop.json", group), "chgrp p2-shop /etc/p2/shop.json"));
  }
  CHECK(groupOf("/nowhere/a.json").empty());
  CHECK_FALSE(groupOf("/").empty());
}

TEST_CASE("Setup has a service enabled as well, as not every package does it") {
  CHECK(serviceAdvice({}) == "systemctl enable p2 && systemctl restart p2\n");
  CHECK(serviceAdvice(settings::Instance::named("shop").value()) ==
        "systemctl enable p2@shop && systemctl restart p2@shop\n");
}

TEST_CASE("One of several p2 takes neither name nor port of another") {
  const Folder one;
  const Folder two;
  const auto listening = [](const Folder& folder, const std::string& jid, const std::string& listen) {
    REQUIRE(run({"setup", "--jid=" + jid, "--service-account=" + folder.account.string()},
                {.config = folder.config})
                .code == EX_OK);
    std::ofstream(folder.config, std::ios::app) << "http.listen = " << listen << '\n';
    return folder.config;
  };
  const auto faulty = one.config.parent_path() / "faulty.properties";
  std::ofstream(faulty) << "xmpp.jid = a@b\n";
  const auto plain = settings::defaultSettings().http.listen->port;
  const auto next = "127.0.0.1:" + std::to_string(plain + 1);
  const Neighbours nobody({"/nowhere/p2.properties", faulty});
  CHECK(nobody.freeAddress() == next);
  CHECK_FALSE(nobody.whyNotNamed("push.example.org"));

  const Neighbours both(
      {listening(one, "push.example.org", next), faulty, listening(two, "wake.example.org", "")});
  CHECK(both.freeAddress() == "127.0.0.1:" + std::to_string(plain + 2));
  CHECK_FALSE(both.whyNotNamed("example.org"));
  CHECK(both.whyNotNamed("push.example.org") ==
        "push.example.org is the name of p2 (" + one.config.string() + "); each p2 has one of its own");
  CHECK(both.whyNotNamed("Push.Example.ORG"));
  CHECK(has(both.whyNotNamed("wake.example.org").value_or(""), two.config.string()));
}

TEST_CASE("Setup asks on a terminal for what is not given") {
  const Folder folder;
  const auto done =
      run({"setup"}, {.config = folder.config,
                      .text = "push.example.org\nxmpp.example.org\n\n" + folder.account.string() + "\n\n",
                      .inIsTerminal = true});
  INFO(done.err);
  REQUIRE(done.code == EX_OK);
  const auto loaded = settings::load(folder.config, {}, {});
  REQUIRE(loaded.settings);
  CHECK(loaded.settings->xmpp.host == "xmpp.example.org");
  CHECK(loaded.settings->xmpp.port == 5347);
}

TEST_CASE("Setup asks again on a terminal until the answer is right, or nobody answers") {
  const Folder folder;
  const auto done = run({"setup"}, {.config = folder.config,
                                    .text = "a@b\n\npush.example.org\n\n0\n5348\n/nonexistent\n" +
                                            folder.account.string() + "\n/nonexistent\n\n",
                                    .inIsTerminal = true});
  INFO(done.err);
  REQUIRE(done.code == EX_OK);
  const auto loaded = settings::load(folder.config, {}, {});
  REQUIRE(loaded.settings);
  CHECK(loaded.settings->xmpp.jid == "push.example.org");
  CHECK(loaded.settings->xmpp.port == 5348);
  for (const auto* word : {"--jid:", "--port:", "--service-account:", "--google-services:"}) {
    CHECK(done.err.find(word) != std::string::npos);
  }
  const auto before = contentOf(folder.config);
  CHECK(run({"setup", "--force"}, {.config = folder.config, .text = "a@b\n", .inIsTerminal = true}).code ==
        EX_USAGE);
  CHECK(run({"setup", "--force"},
            {.config = folder.config, .text = "push.example.org\n\n0\n", .inIsTerminal = true})
            .code == EX_USAGE);
  const auto untilServices = "push.example.org\n\n\n" + folder.account.string() + "\n/nonexistent\n";
  CHECK(run({"setup", "--force"}, {.config = folder.config, .text = untilServices, .inIsTerminal = true})
            .code == EX_NOINPUT);
  CHECK(contentOf(folder.config) == before);
  CHECK(run({"setup", "--force", "--jid=a@b"},
            {.config = folder.config, .text = "push.example.org\n", .inIsTerminal = true})
            .code == EX_USAGE);
}

TEST_CASE("Setup replaces settings only if told to, but the file as it is shipped at once") {
  const Folder folder;
  const std::vector<std::string> words{"setup", "--jid=push.example.org",
                                       "--service-account=" + folder.account.string()};
  std::ofstream(folder.config) << test::sourceOf("p2.properties");
  CHECK(run(words, {.config = folder.config}).code == EX_OK);
  const auto first = contentOf(folder.config);
  const auto old = folder.config.string() + ".old";
  CHECK_FALSE(std::filesystem::exists(old));
  const auto again = run(words, {.config = folder.config});
  CHECK(again.code == EX_CANTCREAT);
  CHECK(again.err.find("--force") != std::string::npos);
  CHECK(contentOf(folder.config) == first);
  auto forced = words;
  forced.emplace_back("--force");
  CHECK(run(forced, {.config = folder.config}).code == EX_OK);
  CHECK(contentOf(folder.config) != first);
  CHECK(contentOf(old) == first);
}

TEST_CASE(
    "Setup takes a file that sets nothing, as another version shipped it, for one to be replaced, and keeps "
    "it") {
  const Folder folder;
  const std::vector<std::string> words{"setup", "--jid=push.example.org",
                                       "--service-account=" + folder.account.string()};
  const auto old = folder.config.string() + ".old";
  for (const std::string text :
       {"# another version's\n", "xmpp.jid =\n", "\n  ! x = y\r\n\txmpp.jid :  \r\n#a = b"}) {
    std::ofstream(folder.config) << text;
    CHECK(run(words, {.config = folder.config}).code == EX_OK);
    CHECK(contentOf(folder.config).find("push.example.org") != std::string::npos);
    CHECK(contentOf(old) == text);
  }
  for (const std::string text : {"xmpp.port = 5348", "# a\nxmpp.port: 5348\n", "include\n", "\xff\xfe"}) {
    std::ofstream(folder.config) << text;
    CHECK(run(words, {.config = folder.config}).code == EX_CANTCREAT);
    CHECK(contentOf(folder.config) == text);
  }
}

TEST_CASE("Setup keeps what it replaces, also behind a link") {
  const Folder folder;
  const auto elsewhere = folder.config.parent_path() / "elsewhere.properties";
  std::ofstream(elsewhere) << "# mine\n";
  std::filesystem::create_symlink(elsewhere, folder.config);
  const std::vector<std::string> words{"setup", "--force", "--jid=push.example.org",
                                       "--service-account=" + folder.account.string()};
  CHECK(run(words, {.config = folder.config}).code == EX_OK);
  CHECK(std::filesystem::is_symlink(folder.config));
  CHECK(contentOf(elsewhere).find("push.example.org") != std::string::npos);
  CHECK(contentOf(folder.config.string() + ".old") == "# mine\n");
}

TEST_CASE("Setup does not ask where it cannot write, and writes into nothing but a file") {
  const Folder folder;
  const std::vector<std::string> words{"setup", "--force"};
  const auto nowhere = run(words, {.config = folder.config.parent_path() / "none" / "p2.properties",
                                   .text = "push.example.org\n",
                                   .inIsTerminal = true});
  CHECK(nowhere.code == EX_CANTCREAT);
  CHECK(nowhere.err.find("create its directory") != std::string::npos);
  CHECK(nowhere.out.empty());
  const auto device = run(words, {.config = "/dev/null", .text = "push.example.org\n", .inIsTerminal = true});
  CHECK(device.code == EX_CANTCREAT);
  CHECK(device.err.find("is not a file") != std::string::npos);
  CHECK(std::filesystem::is_character_file("/dev/null"));
}

TEST_CASE("Setup names what is missing or wrong and writes nothing") {
  const Folder folder;
  const auto account = "--service-account=" + folder.account.string();
  const auto refused = [&](std::vector<std::string> words, const std::string& said) {
    const auto done = run(words, {.config = folder.config});
    INFO(done.err);
    CHECK(done.code != EX_OK);
    CHECK(done.err.find(said) != std::string::npos);
    CHECK(done.err.find("..") == std::string::npos);
    CHECK_FALSE(std::filesystem::exists(folder.config));
  };
  refused({"setup", account}, "--jid");
  refused({"setup", "--jid=push.example.org"}, "--service-account");
  refused({"setup", "--jid=a@b", account}, "--jid");
  refused({"setup", "--jid=push.example.org", account, "--port=x"}, "--port");
  refused({"setup", "--jid=push.example.org", account, "--server=jabberd"}, "--server");
  refused({"setup", "--jid=push.example.org", "--service-account=/nonexistent"}, "/nonexistent");
  refused({"setup", "--jid=push.example.org", account, "--google-services=/nonexistent"}, "/nonexistent");
}

TEST_CASE("Whatever a person answers to setup, it writes settings that p2 takes, or none") {
  std::minstd_rand random(7);
  unsigned written = 0;
  for (int round = 0; round < 400; ++round) {
    const Folder folder;
    const std::vector<std::string> answers{"",
                                           " ",
                                           "push.example.org",
                                           "PUSH.Example.org.",
                                           "b\xC3\xBC"
                                           "cher.example",
                                           "a@b",
                                           "\xff",
                                           "127.0.0.1",
                                           "::1",
                                           "5348",
                                           "0",
                                           "65536",
                                           "-1",
                                           "5347x",
                                           "no",
                                           "\x1b[2J",
                                           std::string(300, 'a'),
                                           "a = b",
                                           "#",
                                           "\\",
                                           folder.account.string(),
                                           folder.account.string(),
                                           "/nonexistent",
                                           "/",
                                           "~"};
    std::vector<std::string> words{"setup"};
    if (random() % 2 == 0) words.push_back("--jid=push.example.org");
    if (random() % 4 == 0) words.push_back("--service-account=" + folder.account.string());
    std::string text;
    for (auto count = random() % 14; count > 0; --count) text += answers[random() % answers.size()] + '\n';
    CAPTURE(words, text);
    const auto done = run(words, {.config = folder.config, .text = text, .inIsTerminal = true});
    CHECK(std::filesystem::exists(folder.config) == (done.code == EX_OK));
    if (done.code != EX_OK) {
      CHECK_FALSE(done.err.empty());
      continue;
    }
    ++written;
    const auto loaded = settings::load(folder.config, {}, {});
    CHECK(loaded.faults.empty());
    REQUIRE(loaded.settings);
    CHECK(loaded.settings->fcm.serviceAccountFile == folder.account);
    CHECK(has(done.out, loaded.settings->xmpp.sharedSecret.reveal()));
  }
  CHECK(written > 20);
}
