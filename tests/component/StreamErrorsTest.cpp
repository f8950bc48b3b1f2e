#include "Session.h"
#include "p2/xmpp/Namespaces.h"
#include "support/Catch.h"

#include <cstddef>
#include <string>
#include <vector>

using Catch::Matchers::ContainsSubstring;
using p2::component::Component;
using p2::component::judgeStreamError;
using p2::component::Retreat;
using p2::xmpp::Element;
namespace ns = p2::xmpp::ns;

namespace {

Element streamError(const std::string& condition, const std::string& text = {}) {
  Element error("error", std::string(ns::kStreams));
  error.children.emplace_back(condition, std::string(ns::kStreamErrors));
  if (!text.empty()) {
    error.children.push_back(Element("text", std::string(ns::kStreamErrors)).withText(text));
  }
  return error;
}

Component::Options optionsOf(std::size_t connections = 1) {
  Component::Options options;
  options.jid = "push.example.org";
  options.sharedSecret = p2::core::Secret("a-secret");
  options.connections = connections;
  return options;
}

std::string explained(const Element& error) {
  return judgeStreamError(error, optionsOf(), false).reason;
}

/// All of RFC 6120 §4.9.3, and one that nobody has thought of.
std::vector<std::string> allConditions() {
  return {"bad-format",
          "bad-namespace-prefix",
          "conflict",
          "connection-timeout",
          "host-gone",
          "host-unknown",
          "improper-addressing",
          "internal-server-error",
          "invalid-from",
          "invalid-namespace",
          "invalid-xml",
          "not-authorized",
          "not-well-formed",
          "policy-violation",
          "remote-connection-failed",
          "reset",
          "resource-constraint",
          "restricted-xml",
          "see-other-host",
          "system-shutdown",
          "undefined-condition",
          "unsupported-encoding",
          "unsupported-feature",
          "unsupported-stanza-type",
          "unsupported-version",
          "a-new-condition"};
}

}  // namespace

TEST_CASE("Each stream error that an operator can mend says what to do") {
  const auto [condition, what, remedy] = GENERATE(table<std::string, std::string, std::string>({
      {"not-authorized", "refuses the shared secret", "xmpp.sharedSecret must equal"},
      {"host-unknown", "does not know the component push.example.org", "xmpp.jid must equal"},
      {"invalid-from", "a name that is not the component's", "xmpp.jid must equal"},
      {"policy-violation", "a limit was exceeded", "shaper_rule"},
      {"invalid-namespace", "does not take a component's stream there", "xmpp.port must be"},
      {"internal-server-error", "a fault of its own", "see its log"},
  }));
  const auto sentence = explained(streamError(condition));
  CHECK_THAT(sentence, ContainsSubstring(what) && ContainsSubstring(remedy) &&
                           ContainsSubstring('(' + condition + ')'));
  CHECK_THAT(sentence, !ContainsSubstring("a-secret") && !ContainsSubstring("%"));
}

TEST_CASE("Whatever the stream error and when it comes, p2 stands by or yields for a conflict alone") {
  for (const auto& condition : allConditions()) {
    for (const std::string text : {"", "Component already connected", "a local domain"}) {
      for (const bool ready : {false, true}) {
        for (const std::size_t connections : {1U, 2U}) {
          CAPTURE(condition, text, ready, connections);
          const auto ending = judgeStreamError(streamError(condition, text), optionsOf(connections), ready);
          auto expected = Retreat::growing;
          if (condition == "conflict" && text != "a local domain") {
            if (ready) expected = Retreat::yielding;
            if (!ready && connections == 1) expected = Retreat::standby;
          }
          CHECK(ending.retreat == expected);
          CHECK_FALSE(ending.reason.empty());
          CHECK_THAT(ending.reason, ContainsSubstring(text));
        }
      }
    }
  }
}

TEST_CASE("A conflict says what it is one with, and what p2 waits for or the operator must do") {
  const auto reasonOf = [](const std::string& text, std::size_t connections, bool ready) {
    return judgeStreamError(streamError("conflict", text), optionsOf(connections), ready).reason;
  };
  CHECK(reasonOf("", 1, false) ==
        "another p2 is connected as push.example.org (conflict); standing by until it is gone");
  CHECK_THAT(reasonOf("", 1, true), ContainsSubstring("took the place of this one as push.example.org") &&
                                        ContainsSubstring("component_conflict_resolve"));
  CHECK_THAT(reasonOf("", 2, false), ContainsSubstring("xmpp.connections = 1"));
  // Word by word what ejabberd says.
  CHECK_THAT(reasonOf("Unable to register route on existing local domain", 1, false),
             ContainsSubstring("serves push.example.org itself") &&
                 ContainsSubstring("xmpp.jid must equal it") && !ContainsSubstring("standing by"));
  auto options = optionsOf();
  options.standbyCaution = "stop one of them";
  CHECK(judgeStreamError(streamError("conflict", "Component already connected"), options, false).reason ==
        "another p2 is connected as push.example.org (conflict); standing by until it is gone: stop one of "
        "them; it says: Component already connected");
}

TEST_CASE("Stream errors that pass say what happened") {
  const auto [condition, what] = GENERATE(table<std::string, std::string>({
      {"system-shutdown", "the XMPP server shuts down"},
      {"reset", "opened again"},
      {"connection-timeout", "has heard nothing"},
      {"resource-constraint", "short of resources"},
  }));
  CHECK_THAT(explained(streamError(condition)), ContainsSubstring(what));
}

TEST_CASE("A stream error without an explanation is named, with the server's own words") {
  CHECK(explained(streamError("see-other-host")) == "the XMPP server ended the stream: see-other-host");
  CHECK(explained(streamError("see-other-host", "go away")) ==
        "the XMPP server ended the stream: see-other-host; it says: go away");
  CHECK(explained(Element("error", std::string(ns::kStreams))) ==
        "the XMPP server ended the stream: undefined-condition");
}

TEST_CASE("A server's words cannot fill the log or write lines of their own") {
  const auto sentence = explained(streamError("reset", "one\ntwo\r\n\x1b[31m" + std::string(100000, 'x')));
  CHECK_THAT(sentence, ContainsSubstring("; it says: one two"));
  CHECK(sentence.size() < 500);
  for (const char c : sentence) CHECK(static_cast<unsigned char>(c) >= ' ');
}

TEST_CASE("A server's words are cut between two characters") {
  std::string umlauts;
  for (int i = 0; i < 150; ++i) umlauts += "\xc3\xa4";
  const std::string shifted = explained(streamError("reset", "x" + umlauts));
  CHECK(shifted.size() - shifted.find('x') == 199);
}
