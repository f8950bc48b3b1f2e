#include "Session.h"
#include "p2/xmpp/Namespaces.h"
#include "support/Catch.h"

#include <string>

using Catch::Matchers::ContainsSubstring;
using p2::component::Component;
using p2::component::explainStreamError;
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

std::string explained(const Element& error) {
  Component::Options options;
  options.jid = "push.example.org";
  options.sharedSecret = p2::core::Secret("a-secret");
  return explainStreamError(error, options);
}

}  // namespace

TEST_CASE("Each stream error that an operator can mend says what to do") {
  const auto [condition, what, remedy] = GENERATE(table<std::string, std::string, std::string>({
      {"not-authorized", "refuses the shared secret", "xmpp.sharedSecret must equal"},
      {"host-unknown", "does not know the component push.example.org", "xmpp.jid must equal"},
      {"conflict", "another connection for the component push.example.org", "another p2 is running"},
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
