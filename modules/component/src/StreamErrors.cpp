#include "Session.h"
#include "p2/xmpp/Namespaces.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace p2::component {

namespace {

// Of what a server says, so that it cannot fill the log.
constexpr std::size_t kMostText = 200;

struct Explanation {
  std::string_view condition;
  std::string_view sentence;  // `%` stands for the component's name
};

constexpr std::array kExplanations{
    Explanation{
        "not-authorized",
        "the XMPP server refuses the shared secret (not-authorized): xmpp.sharedSecret must equal the secret "
        "that the server has for the component % (component_secret in Prosody, password in ejabberd's listen "
        "section)"},
    Explanation{
        "host-unknown",
        "the XMPP server does not know the component % (host-unknown): xmpp.jid must equal the name that the "
        "server's configuration gives it"},
    Explanation{
        "invalid-from",
        "the XMPP server says that an answer came from a name that is not the component's (invalid-from): "
        "xmpp.jid must equal the component's name in the server's configuration"},
    Explanation{"system-shutdown", "the XMPP server shuts down"},
    Explanation{"reset", "the XMPP server wants the stream to be opened again (reset)"},
    Explanation{"connection-timeout", "the XMPP server has heard nothing for too long (connection-timeout)"},
    Explanation{"resource-constraint", "the XMPP server is short of resources (resource-constraint)"},
    Explanation{
        "policy-violation",
        "the XMPP server says that a limit was exceeded (policy-violation): its limits for the size and the "
        "rate of a component's stanzas, such as ejabberd's shaper_rule, must leave room for the answers"},
    Explanation{"internal-server-error",
                "the XMPP server has a fault of its own, see its log (internal-server-error)"},
    Explanation{
        "invalid-namespace",
        "the XMPP server does not take a component's stream there (invalid-namespace): xmpp.port must be its "
        "component port, not the one for clients or servers"},
};

std::string named(std::string_view sentence, const std::string& name) {
  const auto at = sentence.find('%');
  if (at == std::string_view::npos) return std::string(sentence);
  return std::string(sentence.substr(0, at)) + name + std::string(sentence.substr(at + 1));
}

/// On one line, and not longer than it has to be; cut between two characters.
std::string brief(std::string_view text) {
  std::size_t size = std::min(text.size(), kMostText);
  while (size > 0 && size < text.size() && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) --size;
  std::string line(text.substr(0, size));
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < ' ' || c == 0x7F; }, ' ');
  return line;
}

/// ejabberd says so if the name is one of its own domains, before it asks for the secret; there is no other
/// connection then.
bool isLocalDomain(std::string_view text) {
  return text.find("local domain") != std::string_view::npos;
}

/// Prosody and MongooseIM keep the stream that is there and refuse the next with this, unless they are told
/// otherwise; Openfire does the same.
Ending judgeConflict(std::string_view text, const Component::Options& options, bool ready) {
  const auto& name = options.jid;
  if (isLocalDomain(text)) {
    return {"the XMPP server serves " + name +
            " itself, as a domain for accounts (conflict, a local domain): the component needs a name of its "
            "own, such as push." +
            name + ", and xmpp.jid must equal it"};
  }
  if (ready) {
    return {
        "another p2 took the place of this one as " + name +
            " (conflict): the XMPP server lets the newest connection win, so that they take turns; leave "
            "component_conflict_resolve (Prosody) or conflict_behaviour (MongooseIM) at its default, with "
            "which the second one stands by, or stop one of them",
        Retreat::yielding};
  }
  if (options.connections > 1) {
    return {"the XMPP server takes no more connections as " + name +
            " (conflict): one that takes a single one, such as Prosody, needs xmpp.connections = 1"};
  }
  return {"another p2 is connected as " + name + " (conflict); standing by until it is gone" +
              (options.standbyCaution.empty() ? "" : ": " + options.standbyCaution),
          Retreat::standby};
}

std::string explanationOf(std::string_view condition, const std::string& name) {
  for (const auto& explanation : kExplanations) {
    if (explanation.condition == condition) return named(explanation.sentence, name);
  }
  return "the XMPP server ended the stream: " + brief(condition);
}

}  // namespace

Ending judgeStreamError(const xmpp::Element& error, const Component::Options& options, bool ready) {
  std::string_view condition = "undefined-condition";
  std::string_view text;
  for (const auto& child : error.children) {
    if (child.ns != xmpp::ns::kStreamErrors) continue;
    if (child.name == "text") {
      text = child.text;
    } else {
      condition = child.name;
    }
  }
  Ending ending = condition == "conflict" ? judgeConflict(text, options, ready)
                                          : Ending{explanationOf(condition, options.jid)};
  if (!text.empty()) ending.reason += "; it says: " + brief(text);
  return ending;
}

}  // namespace p2::component
