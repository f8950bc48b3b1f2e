#include "p2/settings/Codecs.h"
#include "support/Catch.h"

#include <string>
#include <vector>

using namespace p2::settings;
using std::chrono::milliseconds;

TEST_CASE("Durations have a unit, and 0 needs none") {
  const std::vector<std::pair<std::string, milliseconds>> good{
      {"0", milliseconds(0)},
      {"0s", milliseconds(0)},
      {"500ms", milliseconds(500)},
      {"15s", milliseconds(15000)},
      {"15 s", milliseconds(15000)},
      {"2m", milliseconds(120000)},
      {"2h", milliseconds(7200000)},
      {"270d", milliseconds(23328000000)},
      {"36500d", milliseconds(3153600000000)},
  };
  for (const auto& [text, value] : good) {
    INFO(text);
    REQUIRE(codec::Milliseconds::parse(text).ok());
    CHECK(codec::Milliseconds::parse(text).value() == value);
    CHECK(codec::Milliseconds::parse(codec::Milliseconds::format(value)).value() == value);
  }
  for (const char* const text : {"", "15", "s", "-1s", "+1s", "1.5s", "15S", "1 week", "15ss", "36501d",
                                 "0x1s", "99999999999999999999s", "18446744073709551615ms", "00"}) {
    INFO(text);
    CHECK(codec::Milliseconds::parse(text).ok() == (std::string(text) == "00"));
  }
}

TEST_CASE("Durations are shown in the largest unit that fits") {
  CHECK(codec::Milliseconds::format(milliseconds(0)) == "0");
  CHECK(codec::Milliseconds::format(milliseconds(1500)) == "1500ms");
  CHECK(codec::Milliseconds::format(milliseconds(25000)) == "25s");
  CHECK(codec::Milliseconds::format(milliseconds(86400000)) == "1d");
}

TEST_CASE("A duration in whole seconds refuses parts of one") {
  using Ttl = codec::Duration<std::chrono::seconds, 0, 10000>;
  CHECK(Ttl::parse("10s").value() == std::chrono::seconds(10));
  CHECK_FALSE(Ttl::parse("1500ms").ok());
  CHECK(Ttl::parse("11s").error() == "give a duration from 0 to 10s");
}

TEST_CASE("A host is a name or an address without a port") {
  const std::vector<std::pair<std::string, std::string>> good{
      {"localhost", "localhost"},       {"xmpp.example.org", "xmpp.example.org"},
      {"10.0.0.1", "10.0.0.1"},         {"::1", "::1"},
      {"[2001:db8::1]", "2001:db8::1"},
  };
  for (const auto& [text, host] : good) {
    INFO(text);
    REQUIRE(codec::Host::parse(text).ok());
    CHECK(codec::Host::parse(text).value() == host);
  }
  for (const std::string text :
       {"", "a b", "localhost:5347", "[::1]:1", "[x]", "[127.0.0.1", "http://x", "user@x", "x/y"}) {
    INFO(text);
    CHECK_FALSE(codec::Host::parse(text).ok());
  }
}

TEST_CASE("A listen address is shown as it is written") {
  for (const char* const text : {"", "127.0.0.1:9357", "localhost:1", "[::1]:65535", "0.0.0.0:80"}) {
    INFO(text);
    REQUIRE(codec::Listen::parse(text).ok());
    CHECK(codec::Listen::format(codec::Listen::parse(text).value()) == text);
  }
  for (const char* const text :
       {"9357", ":9357", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "::1:80", "[::1]", "a:b:1"}) {
    INFO(text);
    CHECK_FALSE(codec::Listen::parse(text).ok());
  }
}

TEST_CASE("Hosts stand between commas, each with MariaDB's port if it gives none") {
  const auto shown = [](std::string_view text) {
    return codec::Hosts::format(codec::Hosts::parse(text).value());
  };
  CHECK(shown("db") == "db:3306");
  CHECK(shown(" db1 ,db2:3307") == "db1:3306, db2:3307");
  CHECK(shown("192.0.2.1, 2001:db8::1, [2001:db8::2], [2001:db8::3]:1") ==
        "192.0.2.1:3306, [2001:db8::1]:3306, [2001:db8::2]:3306, [2001:db8::3]:1");
  for (const char* const text : {"", ",", "db,", ",db", "db1 db2", "db:", "db:0", "db:65536", "db:x", ":3306",
                                 "u@db", "mysql://db", "[db]:1", "[::1", "db/p2", "a;b"}) {
    CAPTURE(text);
    CHECK_FALSE(codec::Hosts::parse(text).ok());
  }
}

TEST_CASE("The component's name is a domain alone") {
  for (const char* const text : {"push.example.org", "push", "Push.Example",
                                 "b\xC3\xBC"
                                 "cher.example"}) {
    INFO(text);
    CHECK(codec::DomainJid::parse(text).ok());
  }
  for (const std::string& text :
       {std::string(), std::string("a@b"), std::string("a.b/c"), std::string("a b"), std::string("a..b"),
        std::string(".a"), std::string("a."), std::string(1024, 'a')}) {
    INFO(text);
    CHECK_FALSE(codec::DomainJid::parse(text).ok());
  }
}

TEST_CASE("Booleans are true, false, yes or no") {
  CHECK(codec::Boolean::parse("true").value());
  CHECK(codec::Boolean::parse("YES").value());
  CHECK_FALSE(codec::Boolean::parse("False").value());
  CHECK_FALSE(codec::Boolean::parse("no").value());
  for (const char* const text : {"", "1", "on", "truee"}) CHECK_FALSE(codec::Boolean::parse(text).ok());
}

TEST_CASE("Numbers are digits in their range") {
  using Small = codec::Number<unsigned, 2, 10>;
  CHECK(Small::parse("2").value() == 2);
  CHECK(Small::parse("10").value() == 10);
  for (const char* const text : {"", "1", "11", "-2", "+2", "2.0", " 2", "2x", "18446744073709551618"}) {
    INFO(text);
    CHECK_FALSE(Small::parse(text).ok());
  }
}

TEST_CASE("An endpoint is an address of the web, given without a slash at the end") {
  CHECK(codec::Endpoint::parse("https://fcm.googleapis.com/").value() == "https://fcm.googleapis.com");
  CHECK(codec::Endpoint::parse("http://[::1]:8080/a/").value() == "http://[::1]:8080/a");
  for (const char* const text :
       {"", "fcm.googleapis.com", "ftp://x", "https://", "https:///a", "https://u:p@x", "https://x?a=b",
        "https://x#a", "https://x:99999", "https://a b", "https://x:y"}) {
    INFO(text);
    CHECK_FALSE(codec::Endpoint::parse(text).ok());
  }
}

TEST_CASE("A proxy is an http address or none") {
  CHECK(codec::Proxy::parse("none").value().empty());
  CHECK(codec::Proxy::parse("http://u:p@proxy:3128/").value().reveal() == "http://u:p@proxy:3128");
  for (const char* const text :
       {"", "proxy:3128", "https://proxy", "socks5://proxy", "http://", "http://p/path"}) {
    INFO(text);
    CHECK_FALSE(codec::Proxy::parse(text).ok());
  }
}

TEST_CASE("A path has no control characters") {
  CHECK(codec::Path::parse("/var/lib/p 2").value() == "/var/lib/p 2");
  CHECK_FALSE(codec::Path::parse("").ok());
  CHECK_FALSE(codec::Path::parse(std::string("/a\0b", 4)).ok());
}
