#include "Samples.h"
#include "p2/transfer/TableDump.h"
#include "support/Catch.h"

#include <string>
#include <vector>

using namespace p2;
using namespace p2::transfer;
using p2::test::kDevice;
using p2::test::kHeader;

namespace {

TableDump dump() {
  auto made = TableDump::fromHeader(kHeader);
  REQUIRE(made.ok());
  return std::move(made).value();
}

std::string line(const std::string& service, const std::string& device, const std::string& channel,
                 const std::string& domain, const std::string& token, const std::string& node,
                 const std::string& secret) {
  return service + '\t' + device + '\t' + channel + '\t' + domain + '\t' + token + '\t' + node + '\t' +
         secret;
}

}  // namespace

TEST_CASE("A line of mariadb --batch is split at its tabs and its escapes are undone") {
  using Fields = std::vector<std::optional<std::string>>;
  CHECK(splitBatchLine("") == Fields{""});
  CHECK(splitBatchLine("a\tb") == Fields{"a", "b"});
  CHECK(splitBatchLine("\t") == Fields{"", ""});
  CHECK(splitBatchLine("a\\tb\\nc\\\\d") == Fields{"a\tb\nc\\d"});
  CHECK(splitBatchLine("a\\0b") == Fields{std::string("a\0b", 3)});
  CHECK(splitBatchLine("\\\\t") == Fields{"\\t"});
  CHECK(splitBatchLine("NULL\tNULLS\t\\NULL") == Fields{std::nullopt, "NULLS", "NULL"});
  CHECK(splitBatchLine("end\\") == Fields{"end\\"});
}

TEST_CASE("A row of the reference service's table keeps node, secret and token") {
  const auto row = dump().row(
      line("FCM", kDevice, "", "jabber.de", "eeDX:APA91b", "eKxTS5n3bOe0", "KK4+H5WMfpRG/2zCbuKq6wpX"));
  REQUIRE(row.ok());
  CHECK(row.value().key == store::DeviceKey{store::Service::fcm, kDevice, ""});
  CHECK(row.value().domain == "jabber.de");
  CHECK(row.value().target ==
        core::Target{core::Target::Kind::registrationToken, core::Secret("eeDX:APA91b")});
  CHECK(row.value().node == "eKxTS5n3bOe0");
  CHECK(row.value().secret.reveal() == "KK4+H5WMfpRG/2zCbuKq6wpX");
  CHECK(row.value().lastRegistered == store::Registration::Time{});
}

TEST_CASE("Channels, Apple's devices and domains in any spelling are understood") {
  const auto row = dump().row(line("APNS", kDevice, kDevice, "XN--BCHER-KVA.Example.", "t", "n", "s"));
  REQUIRE(row.ok());
  CHECK(row.value().key == store::DeviceKey{store::Service::apns, kDevice, kDevice});
  CHECK(row.value().domain ==
        "b\xC3\xBC"
        "cher.example");
  const auto null = dump().row(line("FCM", kDevice, "NULL", "a.example", "t", "n", "s"));
  REQUIRE(null.ok());
  CHECK(null.value().key.channel.empty());
}

TEST_CASE("The columns may stand in any order, and others between them") {
  const auto made = TableDump::fromHeader("Secret\tnode\tid\ttoken\tdomain\tchannel\tdevice\tSERVICE");
  REQUIRE(made.ok());
  const auto row = made.value().row("s\tn\t7\tt\td.example\t\t" + kDevice + "\tFCM");
  REQUIRE(row.ok());
  CHECK(row.value().node == "n");
  CHECK(row.value().secret.reveal() == "s");
}

TEST_CASE("The table of version 0.3 has no service and no channel: its rows are for FCM and for accounts") {
  for (const char* header : {"device\tdomain\ttoken\tnode\tsecret", "DEVICE\tDomain\ttoken\tnode\tsecret"}) {
    const auto made = TableDump::fromHeader(header);
    REQUIRE(made.ok());
    const auto row = made.value().row(kDevice + "\tjabber.de\ttoken\tnode\tsecret");
    REQUIRE(row.ok());
    CHECK(row.value().key == store::DeviceKey{store::Service::fcm, kDevice, ""});
    CHECK(row.value().domain == "jabber.de");
    CHECK(row.value().node == "node");
  }
  const auto turned = TableDump::fromHeader("secret\tnode\ttoken\tdomain\tdevice");
  REQUIRE(turned.ok());
  CHECK(turned.value().row("s\tn\tt\td.example\t" + kDevice).value().node == "n");
}

TEST_CASE("A service that is NULL or empty is FCM, and a channel that is NULL is none") {
  for (const char* none : {"NULL", "\\N", ""}) {
    const auto row = dump().row(line(none, kDevice, none, "a.example", "t", "n", "s"));
    REQUIRE(row.ok());
    CHECK(row.value().key == store::DeviceKey{store::Service::fcm, kDevice, ""});
  }
}

TEST_CASE("A header that lacks a column names it") {
  const auto made = TableDump::fromHeader("device\tdomain\ttoken\tsecret");
  REQUIRE_FALSE(made.ok());
  CHECK(made.error().find("the column node is missing") == 0);
}

TEST_CASE("What is no header is said to be none") {
  for (const char* text :
       {"", "FCM\tabc", "service\tdevice\tchannel\tdomain\ttoken\tnode", "service device"}) {
    const auto made = TableDump::fromHeader(text);
    REQUIRE_FALSE(made.ok());
    CHECK(made.error().find("the first line must name the columns") != std::string::npos);
  }
}

TEST_CASE("A bad row says what is wrong without showing it") {
  struct Case {
    std::string line;
    std::string fault;
  };
  const Case cases[] = {
      {"FCM", "it has 1 columns instead of 7"},
      {line("WNS", kDevice, "", "d", "t", "n", "s"), "its service is neither FCM nor APNS"},
      {line("FCM", "abc", "", "d", "t", "n", "s"),
       "its device is not a SHA-1 in hexadecimal (40 characters)"},
      {line("FCM", kDevice, "abc", "d", "t", "n", "s"),
       "its channel is neither empty nor a SHA-1 in hexadecimal (40 characters)"},
      {line("FCM", kDevice, "", "", "t", "n", "s"), "its domain is missing"},
      {line("FCM", kDevice, "", "a@b", "t", "n", "s"), "its domain is not a domain"},
      {line("FCM", kDevice, "",
            "b\xfc"
            "cher.example",
            "t", "n", "s"),
       "its domain is not a domain"},
      {line("FCM", kDevice, "", "example..", "t", "n", "s"), "its domain is not a domain"},
      {line("FCM", kDevice, "", ".", "t", "n", "s"), "its domain is not a domain"},
      {line("FCM", kDevice, "", "d", "", "n", "s"), "its token is empty or damaged"},
      {line("FCM", kDevice, "", "d", "a\\nb", "n", "s"), "its token is empty or damaged"},
      {line("FCM", kDevice, "", "d", "t", "NULL", "s"), "its node is empty or damaged"},
      {line("FCM", kDevice, "", "d", "t", "n", ""), "its secret is empty or damaged"},
  };
  for (const auto& [text, fault] : cases) {
    const auto row = dump().row(text);
    REQUIRE_FALSE(row.ok());
    CHECK(row.error() == fault);
  }
}
