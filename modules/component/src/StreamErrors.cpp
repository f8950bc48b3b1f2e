#include "Session.h"
#include "p2/xmpp/Namespaces.h"

#include <string_view>

namespace p2::component {

std::string explainStreamError(const xmpp::Element& error, const Component::Options& options) {
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
  if (condition == "not-authorized") {
    return "the XMPP server refuses the shared secret (not-authorized): xmpp.sharedSecret must equal the secret that the "
           "server has for "
           "the component " +
           options.jid + " (component_secret in Prosody, password in ejabberd's listen section)";
  }
  if (condition == "host-unknown") {
    return "the XMPP server does not know the component " + options.jid +
           " (host-unknown): xmpp.jid must equal the name that the server's configuration gives it";
  }
  if (condition == "conflict") {
    return "the XMPP server has another connection for the component " + options.jid +
           " (conflict): either another p2 is running, or the server has not noticed yet that an earlier connection is "
           "gone";
  }
  if (condition == "system-shutdown") return "the XMPP server shuts down";
  if (condition == "invalid-from") {
    return "the XMPP server says that an answer came from a name that is not the component's (invalid-from): "
           "xmpp.jid "
           "must equal the component's name in the server's configuration";
  }
  std::string sentence = "the XMPP server ended the stream: " + std::string(condition);
  if (!text.empty()) sentence += " (" + std::string(text.substr(0, 200)) + ')';
  return sentence;
}

}  // namespace p2::component
