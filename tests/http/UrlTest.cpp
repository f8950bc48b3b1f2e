#include "p2/http/Url.h"
#include "support/Catch.h"

using p2::http::Url;

TEST_CASE("A URL's host, port and path are found") {
  struct Case {
    std::string text;
    Url url;
    std::string authority;
  };
  const Case cases[] = {
      {"https://fcm.googleapis.com", {"fcm.googleapis.com", 443, ""}, "fcm.googleapis.com"},
      {"HTTPS://host", {"host", 443, ""}, "host"},
      {"https://host/", {"host", 443, "/"}, "host"},
      {"https://oauth2.googleapis.com/token",
       {"oauth2.googleapis.com", 443, "/token"},
       "oauth2.googleapis.com"},
      {"https://127.0.0.1:8443/a/b", {"127.0.0.1", 8443, "/a/b"}, "127.0.0.1:8443"},
      {"https://[::1]:8443", {"::1", 8443, ""}, "[::1]:8443"},
      {"https://[2001:db8::1]/x", {"2001:db8::1", 443, "/x"}, "[2001:db8::1]"},
  };
  for (const auto& [text, url, authority] : cases) {
    CAPTURE(text);
    const auto parsed = Url::parse(text);
    REQUIRE(parsed);
    CHECK(parsed.value() == url);
    CHECK(parsed.value().authority() == authority);
  }
}

TEST_CASE("What is wrong with a URL is said") {
  const std::pair<std::string, std::string> cases[] = {
      {"", "must begin with https://"},
      {"fcm.googleapis.com", "must begin with https://"},
      {"http://fcm.googleapis.com", "must begin with https://"},
      {"https://", "names no host"},
      {"https://:443", "names no host"},
      {"https:///path", "names no host"},
      {"https://host:", "has a port that is not a number from 1 to 65535"},
      {"https://host:0", "has a port that is not a number from 1 to 65535"},
      {"https://host:65536", "has a port that is not a number from 1 to 65535"},
      {"https://host:443x", "has a port that is not a number from 1 to 65535"},
      {"https://[::1]443", "has a port that is not a number from 1 to 65535"},
      {"https://[::1", "has a bracket that is not closed"},
      {"https://ho st", "names a host with characters that a host cannot have"},
      {"https://ho\r\nst", "names a host with characters that a host cannot have"},
      {"https://[name]", "names a host with characters that a host cannot have"},
      {"https://user@host", "must not hold a user name"},
      {"https://host/p?q=1", "must not have a query, a fragment or blanks"},
      {"https://host/a b", "must not have a query, a fragment or blanks"},
  };
  for (const auto& [text, error] : cases) {
    CAPTURE(text);
    const auto parsed = Url::parse(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error() == error);
  }
}
