#include "p2/xmpp/Serializer.h"
#include "support/Catch.h"
#include "support/StreamFixture.h"

#include <string>

using p2::xmpp::Element;
using p2::xmpp::serialize;

TEST_CASE("Elements are written with the namespaces that change and everything escaped") {
  CHECK(serialize(Element("iq", "jabber:component:accept")) == "<iq/>");
  CHECK(serialize(Element("a", "urn:a", {{"b", "'<&>\"'"}}).withText("1 < 2 & 3")) ==
        "<a xmlns='urn:a' b='&apos;&lt;&amp;&gt;&quot;&apos;'>1 &lt; 2 &amp; 3</a>");
  CHECK(serialize(Element("a", "urn:a").with(Element("b", "urn:a")).with(Element("c", "urn:'c'"))) ==
        "<a xmlns='urn:a'><b/><c xmlns='urn:&apos;c&apos;'/></a>");
  CHECK(serialize(Element("iq", "jabber:component:accept").with(Element("q", ""))) ==
        "<iq><q xmlns=''/></iq>");
}

TEST_CASE("What is written is read back the same") {
  const Element element =
      Element("iq", "jabber:component:accept", {{"id", "\t\n\r<>&'\" ü"}, {"xml:lang", "de"}})
          .with(Element("a", "urn:a").withText("line\r\n]]>&amp;"))
          .with(Element("b", "").with(Element("c", "urn:c")));
  p2::test::Recorder recorder;
  p2::test::ScriptedSource source(
      {"<s:stream xmlns='jabber:component:accept' xmlns:s='http://etherx.jabber.org/streams'>" +
       serialize(element)},
      recorder);
  p2::xmpp::StanzaReader({}).read(source, recorder);
  REQUIRE(recorder.stanzas.size() == 1);
  CHECK(recorder.stanzas[0] == element);
}
