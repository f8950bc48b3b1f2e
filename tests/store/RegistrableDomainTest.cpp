#include "p2/store/RegistrableDomain.h"
#include "p2/xmpp/Jid.h"
#include "support/Catch.h"

#include <string>
#include <vector>

using p2::store::registrableDomain;

TEST_CASE("Names below what somebody registered are one") {
  struct Case {
    std::string domain;
    std::string registrable;
  };
  const std::vector<Case> cases{
      {"example.org", "example.org"},
      {"im.example.org", "example.org"},
      {"a.b.c.d.example.org", "example.org"},
      {"im.example.co.uk", "example.co.uk"},
      {"IM.Example.CO.UK", "example.co.uk"},
      {"im.example.org.", "example.org"},
      // A private suffix: each below it is somebody else.
      {"user.github.io", "user.github.io"},
      {"im.user.github.io", "user.github.io"},
      {"im.home.duckdns.org", "home.duckdns.org"},
      // Nothing that somebody could register: the name itself.
      {"github.io", "github.io"},
      {"co.uk", "co.uk"},
      {"org", "org"},
      {"localhost", "localhost"},
      {"*", "*"},
      {"", ""},
      // Addresses.
      {"192.0.2.17", "192.0.2.17"},
      {"[2001:db8::17]", "[2001:db8::17]"},
      {"[::ffff:192.0.2.17]", "[::ffff:192.0.2.17]"},
      // Top-level domains that are on no list.
      {"im.localhost", "im.localhost"},
      {"a.im.fritz.box.lan", "box.lan"},
      {"deep.im.example", "im.example"},
      // Both spellings of an internationalised one.
      {"im.\xD0\xBF\xD1\x80\xD0\xB8\xD0\xBC\xD0\xB5\xD1\x80.\xD1\x80\xD1\x84",
       "\xD0\xBF\xD1\x80\xD0\xB8\xD0\xBC\xD0\xB5\xD1\x80.\xD1\x80\xD1\x84"},
      {"im.xn--e1afmkfd.xn--p1ai", "\xD0\xBF\xD1\x80\xD0\xB8\xD0\xBC\xD0\xB5\xD1\x80.\xD1\x80\xD1\x84"},
      {"im.b\xC3\xBC"
       "cher.example",
       "b\xC3\xBC"
       "cher.example"},
  };
  for (const auto& item : cases) {
    INFO(item.domain);
    CHECK(registrableDomain(p2::xmpp::comparableDomain(item.domain)) == item.registrable);
  }
}

TEST_CASE("Whatever a peer calls its domain, the result is an end of it that is not empty") {
  const std::vector<std::string> pieces{"",         "a", "com", "co.uk", "xn--",
                                        "\xC3\xBC", "1", "*",   "-",     "github.io"};
  for (const auto& a : pieces) {
    for (const auto& b : pieces) {
      for (const auto& c : pieces) {
        const std::string domain = a + '.' + b + '.' + c;
        INFO(domain);
        const auto registrable = registrableDomain(domain);
        CHECK(domain.ends_with(registrable));
        CHECK_FALSE(registrable.empty());
      }
    }
  }
  std::string longest;
  while (longest.size() < 1020) longest += "a.";
  longest += "com";
  CHECK(registrableDomain(longest) == "a.com");
}
