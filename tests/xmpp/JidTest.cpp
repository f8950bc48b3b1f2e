#include "p2/xmpp/Jid.h"
#include "support/Catch.h"

#include <string>

using p2::xmpp::comparableDomain;
using p2::xmpp::Jid;

TEST_CASE("A JID is split into its parts, which stay as they were sent") {
  struct Case {
    const char* text;
    const char* local;
    const char* domain;
    const char* resource;
    const char* bare;
  };
  for (const Case& c : {Case{"example.org", "", "example.org", "", "example.org"},
                        Case{"ann@example.org", "ann", "example.org", "", "ann@example.org"},
                        Case{"Ann@Example.ORG/Phone", "Ann", "Example.ORG", "Phone", "Ann@Example.ORG"},
                        Case{"a@b/c@d/e", "a", "b", "c@d/e", "a@b"}, Case{"b/c@d", "", "b", "c@d", "b"}}) {
    CAPTURE(c.text);
    const auto jid = Jid::parse(c.text);
    REQUIRE(jid);
    CHECK(jid->local() == c.local);
    CHECK(jid->domain() == c.domain);
    CHECK(jid->resource() == c.resource);
    CHECK(jid->bare() == c.bare);
  }
}

TEST_CASE("What is not a JID is refused") {
  for (const char* text :
       {"", "@b", "a@", "a@b/", "a@b@c", "/r", ".", "a@b\nc", "b c", "\tb", "b\x7f", "a@b\xc2\x9b/c"}) {
    CAPTURE(text);
    CHECK_FALSE(Jid::parse(text));
  }
  CHECK_FALSE(Jid::parse(std::string(1024, 'a') + "@b"));
  CHECK(Jid::parse(std::string(1023, 'a') + "@b"));
  CHECK(Jid::parse("a@b\xc2\xa1"));
}

TEST_CASE("Spellings of one domain compare equal") {
  CHECK(comparableDomain("Example.ORG") == "example.org");
  CHECK(comparableDomain("example.org.") == "example.org");
  CHECK(comparableDomain("BÜCHER.example") == "bücher.example");
  CHECK(comparableDomain("xn--bcher-kva.example") == "bücher.example");
  CHECK(comparableDomain("XN--BCHER-KVA.Example") == "bücher.example");
  CHECK(comparableDomain("a.xn--fiqs8s") == "a.中国");
  CHECK(comparableDomain("xn--mgbh0fb.xn--kgbechtv") == "مثال.إختبار");
  CHECK(comparableDomain("[2001:DB8::1]") == "[2001:db8::1]");
}

TEST_CASE("What only looks like an A-label stays as it is") {
  for (const char* domain : {"xn--", "xn--!.example", "xn--99999999999.example", "a.xn--\xff"}) {
    CAPTURE(domain);
    CHECK_NOTHROW(comparableDomain(domain));
  }
  CHECK(comparableDomain("xn--!.example") == "xn--!.example");
  // Punycode for "example" and for "bÜcher": other names in the DNS than those that they decode to.
  CHECK(comparableDomain("xn--example-.org") == "xn--example-.org");
  CHECK(comparableDomain("xn--bcher-2pa.example") == "xn--bcher-2pa.example");
  CHECK(comparableDomain("xn--99999999999.example") == "xn--99999999999.example");
  // Another way to write what "xn--80aswg" decodes to, and another name in the DNS.
  CHECK(comparableDomain("xn---80aswg.example") == "xn---80aswg.example");
  CHECK(comparableDomain("xn--80aswg.example") == "сайт.example");
  // Punycode for control characters, among them the one that begins a terminal's commands.
  CHECK(comparableDomain("xn--fa.example") == "xn--fa.example");
  CHECK(comparableDomain("xn--ab-mca.example") == "xn--ab-mca.example");
}

TEST_CASE("A JID is at its domain in any spelling, and at no other") {
  for (const auto* jid :
       {"push.example.org", "Push.Example.ORG.", "node@push.example.org", "push.example.org/p2"}) {
    CAPTURE(jid);
    CHECK(p2::xmpp::isAt(jid, "push.example.org"));
  }
  CHECK(p2::xmpp::isAt("push.xn--bcher-kva.example", "push.bücher.example"));
  for (const auto* jid : {"example.org", "a.push.example.org", "push.example.org@evil.example", "@", ""}) {
    CAPTURE(jid);
    CHECK_FALSE(p2::xmpp::isAt(jid, "push.example.org"));
  }
}
