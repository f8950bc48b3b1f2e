#include "p2/http/Proxy.h"
#include "support/Catch.h"

#include <map>

using p2::http::Proxy;

namespace {

Proxy::Lookup environment(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
}

}  // namespace

TEST_CASE("A proxy's host, port, user and password are found") {
  struct Case {
    std::string text, host;
    std::uint16_t port;
    std::string user, password;
  };
  const Case cases[] = {
      {"proxy", "proxy", 8080, "", ""},
      {"proxy:3128", "proxy", 3128, "", ""},
      {"http://proxy:443/", "proxy", 443, "", ""},
      {"http://me:se%40cr%3Aet@proxy:3128", "proxy", 3128, "me", "se@cr:et"},
      {"http://me@proxy", "proxy", 8080, "me", ""},
      {"http://[::1]:3128", "::1", 3128, "", ""},
      {"http://[::1]", "::1", 8080, "", ""},
  };
  for (const auto& [text, host, port, user, password] : cases) {
    CAPTURE(text);
    const auto proxy = Proxy::parse(text);
    REQUIRE(proxy);
    CHECK(proxy.value().host == host);
    CHECK(proxy.value().port == port);
    CHECK(proxy.value().user == user);
    CHECK(proxy.value().password.reveal() == password);
  }
}

TEST_CASE("A bad proxy is refused without showing its password") {
  for (const char* text : {"", "https://proxy", "socks5://proxy", "http://me:hidden%zz@proxy",
                           "http://me:hidden@", "me:hidden@proxy:x", "http://me:hidden@proxy/path"}) {
    CAPTURE(text);
    const auto proxy = Proxy::parse(text);
    REQUIRE_FALSE(proxy);
    CHECK(proxy.error().find("hidden") == std::string::npos);
  }
}

TEST_CASE("The proxy of the environment is used except for the hosts of NO_PROXY") {
  const auto found = Proxy::fromEnvironment(
      environment({{"https_proxy", "http://proxy:3128"}, {"NO_PROXY", "localhost, .Example.org,10.0.0.1"}}));
  REQUIRE(found);
  REQUIRE(found.value());
  const Proxy& proxy = *found.value();
  CHECK(proxy.host == "proxy");
  CHECK(proxy.appliesTo("fcm.googleapis.com"));
  CHECK(proxy.appliesTo("badexample.org"));
  CHECK_FALSE(proxy.appliesTo("localhost"));
  CHECK_FALSE(proxy.appliesTo("example.org"));
  CHECK_FALSE(proxy.appliesTo("push.EXAMPLE.org"));
  CHECK_FALSE(proxy.appliesTo("10.0.0.1"));
}

TEST_CASE("Without a proxy in the environment there is none, and a bad one names its variable") {
  const auto none = Proxy::fromEnvironment(environment({{"HTTPS_PROXY", ""}}));
  REQUIRE(none);
  CHECK_FALSE(none.value());

  const auto bad = Proxy::fromEnvironment(environment({{"HTTPS_PROXY", "socks5://proxy"}}));
  REQUIRE_FALSE(bad);
  CHECK(bad.error() ==
        "The environment variable HTTPS_PROXY must be an http:// proxy; others are not supported.");

  const auto all = Proxy::fromEnvironment(environment({{"HTTPS_PROXY", "proxy"}, {"no_proxy", "*"}}));
  REQUIRE(all);
  CHECK_FALSE(all.value()->appliesTo("anything"));
}
