#include "p2/xmpp/Namespaces.h"
#include "p2/xmpp/StanzaReader.h"
#include "support/Catch.h"
#include "support/ContentOf.h"
#include "support/StreamFixture.h"

#include <iterator>
#include <string>
#include <vector>

namespace {

using p2::test::Recorder;
using p2::test::ScriptedSource;
using p2::xmpp::Element;
using p2::xmpp::StanzaReader;
using Kind = StanzaReader::End::Kind;

const std::string kHeader =
    "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='1'>";

std::string recordedSession() {
  return p2::test::sourceOf("tests/data/session.xml");
}

StanzaReader::End read(const std::vector<std::string>& pieces, Recorder& recorder,
                       const StanzaReader::Limits& limits = {}) {
  ScriptedSource source(pieces, recorder);
  return StanzaReader(limits).read(source, recorder);
}

std::vector<std::string> bytesOf(const std::string& text) {
  std::vector<std::string> bytes;
  for (const char c : text) bytes.emplace_back(1, c);
  return bytes;
}

/// The stream error for one stanza, or the stanzas' count if there is none.
std::string verdict(const std::string& content, const StanzaReader::Limits& limits = {}) {
  Recorder recorder;
  const auto end = read({kHeader + content + "</stream:stream>"}, recorder, limits);
  if (end.kind == Kind::fault) return end.condition;
  return std::to_string(recorder.stanzas.size()) + " read, " + std::to_string(recorder.refused.size()) +
         " refused";
}

std::string repeated(const std::string& text, std::size_t times) {
  std::string all;
  all.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

}  // namespace

TEST_CASE("A recorded session comes out as its elements") {
  Recorder recorder;
  const auto end = read({recordedSession()}, recorder);

  CHECK(end.kind == Kind::closed);
  CHECK(recorder.header.attribute("id") == "3BF96D32");
  REQUIRE(recorder.stanzas.size() == 8);
  CHECK(recorder.stanzas[0].is("handshake", p2::xmpp::ns::kComponent));
  CHECK(recorder.stanzas[1].attribute("xml:lang") == "en");
  const Element* pubsub = recorder.stanzas[1].child("pubsub", p2::xmpp::ns::kPubSub);
  REQUIRE(pubsub != nullptr);
  CHECK(pubsub->child("publish", p2::xmpp::ns::kPubSub)->attribute("node") == "eKxTS5n3bOe0");
  const Element& notification = recorder.stanzas[3].children[0].children[0].children[0].children[0];
  CHECK(notification.children[0].children[2].children[0].text == "<3 a > b & \"c\" 'd' ü €");
  CHECK(recorder.stanzas[4].attribute("id") == "a>b");
  CHECK(recorder.stanzas[4].children[0].children[0].children[1].children[0].text == "it's > \"one\"");
}

TEST_CASE("No stanza is late, wherever the input is split") {
  const std::string session = recordedSession();
  Recorder whole;
  CHECK(read({session}, whole).kind == Kind::closed);
  // For every prefix, how many stanzas must be out before anything behind it is read.
  std::size_t expected = 0;
  std::size_t nextEnd = 0;
  const std::vector<std::size_t> ends = p2::test::stanzaEnds(session);
  REQUIRE(ends.size() == whole.stanzas.size());

  for (std::size_t split = 1; split < session.rfind('>'); ++split) {
    while (nextEnd < ends.size() && ends[nextEnd] <= split) expected = ++nextEnd;
    Recorder recorder;
    read({session.substr(0, split), session.substr(split)}, recorder);
    CAPTURE(split);
    REQUIRE(recorder.countAtRead.at(1) == expected);
    REQUIRE(recorder.stanzas == whole.stanzas);
  }
}

TEST_CASE("No stanza is late when the input comes byte by byte") {
  const std::string session = recordedSession();
  const std::vector<std::size_t> ends = p2::test::stanzaEnds(session);
  Recorder recorder;
  CHECK(read(bytesOf(session), recorder).kind == Kind::closed);

  REQUIRE(recorder.stanzas.size() == ends.size());
  for (std::size_t i = 0; i < ends.size(); ++i) {
    CAPTURE(i);
    // countAtRead[n] is the number of stanzas out when byte n was asked for, that is, after n bytes.
    CHECK(recorder.countAtRead.at(ends[i]) == i + 1);
  }
}

TEST_CASE("No stanza is late around the size that the parser reads at once") {
  for (std::size_t size = 3900; size < 4300; ++size) {
    const std::string padding(size, 'x');
    const std::string text = "<message><body>" + padding + "</body></message>";
    const std::string tag = "<iq type='get' id='" + padding + "'><ping xmlns='urn:xmpp:ping'/></iq>";
    const std::string cdata = "<message><body><![CDATA[" + padding + "]]></body></message>";
    const std::string many = repeated("<presence/>", size / 11) + "<a/>";
    for (const std::string& stanzas : {text, tag, cdata, many, text + tag, tag + cdata + tag}) {
      Recorder recorder;
      read({kHeader + stanzas, "<last/></stream:stream>"}, recorder);
      CAPTURE(size);
      REQUIRE(recorder.countAtRead.at(1) + 1 == recorder.stanzas.size());
      REQUIRE(recorder.stanzas.back().name == "last");
    }
  }
}

TEST_CASE("Long tags arrive at once and unchanged") {
  for (std::size_t size = 4000; size < 65000; size += 61) {
    const std::string value(size, 'v');
    for (const std::string& end : {std::string("></iq>"), std::string("/>"), std::string(" />")}) {
      Recorder recorder;
      read({kHeader + "<iq id='" + value.substr(0, size / 2), value.substr(size / 2) + "'" + end, "<b/>"},
           recorder);
      CAPTURE(size, end);
      REQUIRE(recorder.countAtRead.at(2) == 1);
      REQUIRE(recorder.stanzas[0].attribute("id") == value);
      REQUIRE(recorder.stanzas.size() == 2);
    }
  }
}

TEST_CASE("Text of any length and any split comes out unchanged") {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += i % 3 == 0 ? "€" : (i % 3 == 1 ? "&amp;" : "]");
  const std::string body = "<message><body>" + text + "</body></message>";
  Recorder whole;
  read({kHeader + body}, whole);
  REQUIRE(whole.stanzas.size() == 1);
  CHECK(whole.stanzas[0].children[0].text.size() == 1000 * (3 + 1 + 1));

  Recorder recorder;
  read(bytesOf(kHeader + body), recorder);
  CHECK(recorder.stanzas == whole.stanzas);
}

TEST_CASE("CDATA of any length comes out unchanged") {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "]]]>'\""[i % 3] == '>' ? ' ' : "]]&<'\""[i % 6];
  Recorder recorder;
  read(bytesOf(kHeader + "<message><body><![CDATA[" + text + "]]></body></message><a/>"), recorder);
  REQUIRE(recorder.stanzas.size() == 2);
  CHECK(recorder.stanzas[0].children[0].text == text);
}

TEST_CASE("What RFC 6120 forbids ends the stream with its error") {
  CHECK(verdict("<a><!-- comment --></a>") == "restricted-xml");
  CHECK(verdict("<!-- comment -->") == "restricted-xml");
  CHECK(verdict("<!DOCTYPE lolz [<!ENTITY lol 'lol'>]><a/>") == "restricted-xml");
  CHECK(verdict("<a><?php echo 1 ?></a>") == "restricted-xml");
  CHECK(verdict("<?xml version='1.0'?><a/>") == "restricted-xml");
  CHECK(verdict("<a>&lol;</a>") == "restricted-xml");
  CHECK(verdict("<a b='&lol;'/>") == "restricted-xml");
  CHECK(verdict("<a/>") == "1 read, 0 refused");
}

TEST_CASE("What stands between the stanzas and is none ends the stream") {
  CHECK(verdict("text") == "not-well-formed");
  CHECK(verdict("<a/>text<a/>") == "not-well-formed");
  CHECK(verdict("<a/>\xff") == "not-well-formed");
  CHECK(verdict("</a>") == "not-well-formed");
  CHECK(verdict("<a/></stream>") == "not-well-formed");
  CHECK(verdict("<![CDATA[text]]>") == "restricted-xml");
  for (const char* uncertain :
       {"<a <b/>", "<a b=<c/>/>", "<a b='1' <c/>", "<a/ >", "<a b/c='d'/>", "<iq><a/ ></iq>"}) {
    CAPTURE(uncertain);
    CHECK(verdict(uncertain) == "not-well-formed");
  }
  CHECK(verdict(" \r\n\t<a/> <b/>\n") == "2 read, 0 refused");
  Recorder recorder;
  CHECK(read({kHeader + "</" + std::string(100000, 'a')}, recorder).condition == "policy-violation");
}

namespace {

/// Wrong in itself, and nothing that a server which parses loosely would not pass on.
const std::vector<std::string> kIllFormed{
    // Namespaces.
    "<x:a/>", "<a x:b='1'/>", "<a xmlns:x='y' xmlns:x='z'/>", "<a xmlns:x='u' xmlns:y='u' x:b='1' y:b='2'/>",
    "<a xmlns:xml='urn:a'/>", "<a xmlns:b=''/>",
    // Characters: U+FFFF, control characters, what is not UTF-8, too long or half of a pair.
    "<a>\xef\xbf\xbf</a>", "<a>&#xFFFF;</a>", "<a>&#0;</a>", "<a>&#1;</a>", "<a>\x01</a>",
    std::string("<a>\0</a>", 8), "<a>\xff\xfe</a>", "<a>\xc0\xaf</a>", "<a>\xed\xa0\x80</a>", "<a>\xc3</a>",
    "<a b='\xff'/>", "<a><![CDATA[\x02]]></a>", "<\xff/>",
    // Marks in the wrong place.
    "<a b='<'/>", "<a>]]></a>", "<a>&</a>", "<a>&amp</a>",
    // Tags.
    "<a></b>", "<a><b></c></a>", "<a></a b>", "<1/>", "< a/>",
    // Attributes.
    "<a b='1' b='2'/>", "<a b=1/>", "<a b/>", "<a b='1'c='2'/>",
    // Quotes and other marks in names, which open nothing.
    "<a'b/>", "<a\"b c='d'/>", "<a<b/>", "<a=b/>", "<a b'c='d'/>"};

}  // namespace

TEST_CASE("A stanza that is not well-formed is passed over, and all around it is read") {
  const Element head("iq", std::string(p2::xmpp::ns::kComponent),
                     {{"id", "1"}, {"type", "get"}, {"from", "a"}, {"to", "b"}});
  for (const std::string& fault : kIllFormed) {
    for (const std::string& inside : {fault, "<c>" + fault + "</c>"}) {
      const std::string bad = "<iq id='1' type='get' from='a' to='b'>" + inside + "</iq>";
      const std::string all =
          kHeader + "<iq id='0'/>" + bad + "<iq id='2'/>" + bad + bad + "<iq id='3'/></stream:stream>";
      for (std::size_t cut = kHeader.size(); cut < all.size(); ++cut) {
        CAPTURE(fault, cut);
        Recorder recorder;
        REQUIRE(read({all.substr(0, cut), all.substr(cut)}, recorder).kind == Kind::closed);
        REQUIRE(recorder.stanzas.size() == 3);
        for (const auto& stanza : recorder.stanzas) REQUIRE(stanza.children.empty());
        REQUIRE(recorder.refused == std::vector<Element>(3, head));
        REQUIRE(recorder.refusals == std::vector<std::string>(3, "not well-formed"));
      }
    }
    // As a stanza of its own it may have no head to speak of.
    CAPTURE(fault);
    CHECK(verdict(fault + "<iq id='2'/>") == "1 read, 1 refused");
  }
}

TEST_CASE("Of a start tag that is not well-formed is told what an answer needs") {
  struct Case {
    std::string tag;
    std::vector<p2::xmpp::Attribute> told;
  };
  for (const auto& [tag, told] : std::vector<Case>{
           {"<iq id='1' id='2' type='set' from='a' to='b'/>",
            {{"id", "1"}, {"type", "set"}, {"from", "a"}, {"to", "b"}}},
           {"<iq x:y='1' id='&lt;' type='set'/>", {{"id", "<"}, {"type", "set"}}},
           {"<iq z='\xff' id = \"1'\"\n to='b'/>", {{"id", "1'"}, {"to", "b"}}},
           {"<iq q'q='5' id='1'/>", {{"id", "1"}}},
       }) {
    CAPTURE(tag);
    Recorder recorder;
    REQUIRE(read({kHeader + tag + "<a/>"}, recorder).kind == Kind::endOfInput);
    REQUIRE(recorder.stanzas.size() == 1);
    REQUIRE(recorder.refused.size() == 1);
    CHECK(recorder.refused[0] == Element("iq", std::string(p2::xmpp::ns::kComponent), told));
  }
  // Nothing where that is not readable, or where the type is in doubt: it may be an answer, which has none.
  for (const char* unknown :
       {"<iq id='1' type='set' type='error'/>", "<iq id='\xff' x:y='1'/>", "<x:iq id='1'/>"}) {
    CAPTURE(unknown);
    Recorder recorder;
    read({kHeader + unknown + std::string("<a/>")}, recorder);
    REQUIRE(recorder.stanzas.size() == 1);
    REQUIRE(recorder.refused.size() == 1);
    CHECK(recorder.refused[0] == Element());
  }
}

TEST_CASE("What stands before a forbidden stanza is read, although both came at once") {
  for (const char* forbidden : {"<!-- comment -->", "<a><?php echo 1 ?></a>", "<a>&lol;</a>", "</b>"}) {
    CAPTURE(forbidden);
    Recorder recorder;
    const auto end =
        read({kHeader + "<iq id='1'/><iq id='2'><b/></iq>" + forbidden + "<iq id='3'/>"}, recorder);
    CHECK(end.kind == Kind::fault);
    CHECK(recorder.stanzas.size() == 2);
  }
}

TEST_CASE("A document type before the stream is refused before any of it is read") {
  Recorder recorder;
  const auto end = read({"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]>" + kHeader}, recorder);
  CHECK(end.kind == Kind::fault);
  CHECK(end.condition == "restricted-xml");
}

TEST_CASE("What is not an XMPP stream is told so") {
  Recorder recorder;
  CHECK(read({"<html><body/></html>"}, recorder).condition == "invalid-namespace");
  CHECK(read({"HTTP/1.1 400 Bad Request\r\n\r\n<p>"}, recorder).condition == "not-well-formed");
  CHECK(read({""}, recorder).kind == Kind::endOfInput);
}

TEST_CASE("A stanza beyond the limits is passed over, and the next one is read") {
  const std::string next = "<iq id='2'/>";
  CHECK(verdict("<a>" + std::string(300000, 'x') + "</a>" + next) == "1 read, 1 refused");
  CHECK(verdict(repeated("<a>", 10000) + repeated("</a>", 10000) + next) == "1 read, 1 refused");
  CHECK(verdict("<a>" + repeated("<b/>", 2000) + "</a>" + next) == "1 read, 1 refused");
  std::string attributes;
  for (int i = 0; i < 1000; ++i) attributes += " a" + std::to_string(i) + "='1'";
  CHECK(verdict("<a" + attributes + "/>" + next) == "1 read, 1 refused");
  CHECK(verdict("<iq><b" + attributes + "></b></iq>" + next) == "1 read, 1 refused");
  for (int i = 1000; i < 100000; ++i) attributes += " a" + std::to_string(i) + "='1'";
  CHECK(verdict("<a" + attributes + "/>" + next) == "1 read, 1 refused");
  CHECK(verdict("<a><x:b " + attributes + "></x:b></a>" + next) == "1 read, 1 refused");
  CHECK(verdict("<a b='" + std::string(300000, '>') + "'>c</a>" + next) == "1 read, 1 refused");
}

TEST_CASE("A refused stanza is reported with its head") {
  Recorder recorder;
  read({kHeader + "<iq type='set' id='7' from='a' to='b'><c>" + std::string(300000, 'x') + "</c></iq>"},
       recorder);
  REQUIRE(recorder.refused.size() == 1);
  CHECK(recorder.refused[0].attribute("id") == "7");
  CHECK(recorder.refused[0].children.empty());
  CHECK(recorder.refusals[0] == "too big");
}

TEST_CASE("A stanza with too many attributes of its own is reported with those that an answer needs") {
  std::string attributes;
  for (int i = 0; i < 100; ++i) attributes += " a" + std::to_string(i) + "='1'";
  Recorder recorder;
  read({kHeader + "<iq type='set'" + attributes + " id='7' from='a' to='b'><c/></iq>"}, recorder);
  REQUIRE(recorder.refused.size() == 1);
  CHECK(recorder.refusals[0] == "too many attributes");
  CHECK(recorder.refused[0] == Element("iq", std::string(p2::xmpp::ns::kComponent),
                                       {{"type", "set"}, {"id", "7"}, {"from", "a"}, {"to", "b"}}));
}

TEST_CASE("A stanza far beyond the limits does not end the stream either") {
  const std::string next = "<iq id='2'/>";
  CHECK(verdict("<a>" + std::string(20000000, 'x') + "</a>" + next) == "1 read, 1 refused");
  CHECK(verdict("<a b='" + std::string(20000000, 'x') + "'/>" + next) == "1 read, 1 refused");
  CHECK(verdict(repeated("<a>", 1000000) + repeated("</a>", 1000000) + next) == "1 read, 1 refused");
}

TEST_CASE("The limit of a stanza's size may be set to what it is allowed to be") {
  StanzaReader::Limits limits;
  limits.stanzaSize = 16777216;
  CHECK(verdict("<a>" + std::string(9U << 20U, 'x') + "</a>", limits) == "1 read, 0 refused");
  CHECK(verdict("<a>" + std::string(16777216 - 7, 'x') + "</a>", limits) == "1 read, 0 refused");
  CHECK(verdict("<a>" + std::string(16777216 - 6, 'x') + "</a>", limits) == "0 read, 1 refused");
}

TEST_CASE("Each limit is kept to the element, the attribute and the byte, wherever the input is split") {
  StanzaReader::Limits limits;
  limits.stanzaSize = 60;
  limits.depth = 3;
  limits.attributes = 2;
  limits.elements = 4;
  struct Case {
    std::string fits;
    std::string exceeds;
    const char* why;
  };
  const std::string head = "<iq id='1'>";
  // A stanza of the largest size, `filled` from `before` to `behind`, and one with a byte more.
  const auto bySize = [&](const std::string& before, char filled, const std::string& behind) {
    const std::size_t room = limits.stanzaSize - head.size() - before.size() - behind.size() - 5;
    return Case{head + before + std::string(room, filled) + behind + "</iq>",
                head + before + std::string(room + 1, filled) + behind + "</iq>", "too big"};
  };
  for (const auto& [fits, exceeds, why] : std::vector<Case>{
           bySize("<a>", 'x', "</a>"),
           bySize("<a><![CDATA[", '>', "]]></a>"),
           bySize("<a b='", '>', "'/>"),
           bySize("<a ", 'n', "='1'/>"),
           bySize("<", 'n', "/>"),
           bySize("<a>", ' ', "</a>"),
           {head + "<a><b/></a></iq>", head + "<a><b><c/></b></a></iq>", "nested too deep"},
           {head + "<a b='1' c='2'/></iq>", head + "<a b='1' c='2' d='3'/></iq>", "too many attributes"},
           {"<iq id='1' c='2'/>", "<iq b='1' c='2' id='1'/>", "too many attributes"},
           {head + "<a/><b/><c/></iq>", head + "<a/><b/><c/><d/></iq>", "too many elements"},
       }) {
    const std::string all = kHeader + fits + exceeds + exceeds + fits + exceeds + "<last/>";
    for (std::size_t cut = kHeader.size(); cut <= all.size(); ++cut) {
      CAPTURE(exceeds, cut);
      const bool byBytes = cut == all.size();
      const auto pieces =
          byBytes ? bytesOf(all) : std::vector<std::string>{all.substr(0, cut), all.substr(cut)};
      Recorder recorder;
      REQUIRE(read(pieces, recorder, limits).kind == Kind::endOfInput);
      REQUIRE(recorder.refusals == std::vector<std::string>(3, why));
      for (const auto& refused : recorder.refused) {
        REQUIRE(refused.name == "iq");
        REQUIRE(refused.attribute("id") == "1");
      }
      REQUIRE(recorder.stanzas.size() == 3);
      REQUIRE(recorder.stanzas.back().name == "last");
    }
  }
}

TEST_CASE("What fits into a stanza that a server lets through does not end the stream") {
  const std::string next = "<iq id='2'/>";
  const std::size_t levels = 524288 / std::string("<a></a>").size();
  CHECK(verdict(repeated("<a>", levels) + repeated("</a>", levels) + next) == "1 read, 1 refused");
}

TEST_CASE("A name of any length is passed over, and its end tag with it") {
  const std::string next = "<iq id='2'/>";
  for (const std::size_t size :
       {1000U, 1025U, 2000U, 65533U, 65534U, 65535U, 65536U, 70000U, 131072U, 300000U}) {
    const std::string name(size, 'a');
    const std::string inside = "<b><" + name + " c='>'>d</" + name + "></b>";
    for (const std::string& stanza :
         {"<" + name + "/>", "<iq>" + inside + "</iq>", "<" + name + ">" + inside + "</" + name + ">",
          "<iq><" + name + " b='" + std::string(70000, '/') + "'><" + name + "/></" + name + "></iq>",
          "<iq><x:" + name + " xmlns:x='y'></x:" + name + "></iq>"}) {
      CAPTURE(size, stanza.substr(0, 20));
      const std::string all = kHeader + stanza + next + "</stream:stream>";
      for (const std::size_t cut : {all.size() / 3, all.size() / 2, all.size() - 70, all.size()}) {
        Recorder recorder;
        CHECK(read({all.substr(0, cut), all.substr(cut)}, recorder).condition.empty());
        REQUIRE(!recorder.stanzas.empty());
        CHECK(recorder.stanzas.back().attribute("id") == "2");
        CHECK(recorder.stanzas.size() + recorder.refused.size() == 2);
      }
    }
  }
}

TEST_CASE("A long stream comes out unchanged and in time from parser after parser") {
  const std::string session = recordedSession();
  const auto ends = p2::test::stanzaEnds(session);
  const std::string header = session.substr(0, session.find('<', session.find("<stream:stream") + 1));
  const std::string round = session.substr(header.size(), ends.back() - header.size()) + "<iq id='" +
                            std::string(9000, 'x') + "'><a>" + std::string(9000, 'y') +
                            "</a></iq><presence/> ";
  std::vector<std::string> pieces{header};
  const std::size_t rounds = 4 * 1048576 / round.size();
  for (std::size_t i = 0; i < rounds; ++i) pieces.push_back(round);
  pieces.emplace_back("</stream:stream>");

  Recorder once;
  read({header + round + "</stream:stream>"}, once);
  Recorder recorder;
  CHECK(read(pieces, recorder).kind == Kind::closed);
  CHECK(recorder.header == once.header);
  REQUIRE(recorder.stanzas.size() == rounds * once.stanzas.size());
  for (std::size_t i = 0; i < recorder.stanzas.size(); ++i) {
    REQUIRE(recorder.stanzas[i] == once.stanzas[i % once.stanzas.size()]);
  }
  // At the read of piece i all before it are out.
  for (std::size_t i = 1; i <= rounds + 1; ++i) {
    CAPTURE(i);
    REQUIRE(recorder.countAtRead.at(i) == (i - 1) * once.stanzas.size());
  }
}

TEST_CASE("An element without a namespace does not get that of the one before it") {
  Recorder recorder;
  read({kHeader + "<iq><a xmlns='urn:a'/><b xmlns=''><c/></b></iq>"}, recorder);
  REQUIRE(recorder.stanzas.size() == 1);
  CHECK(recorder.stanzas[0].children[0].ns == "urn:a");
  CHECK(recorder.stanzas[0].children[1].ns.empty());
  CHECK(recorder.stanzas[0].children[1].children[0].ns.empty());
}

TEST_CASE("A cut stream is the end of the input, not a fault") {
  Recorder recorder;
  CHECK(read({kHeader + "<iq id='1'>"}, recorder).kind == Kind::endOfInput);
  CHECK(read({kHeader + "<iq id='1"}, recorder).kind == Kind::endOfInput);
  CHECK(recorder.stanzas.empty());
}
