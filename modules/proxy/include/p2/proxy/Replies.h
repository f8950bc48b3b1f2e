#pragma once

#include "p2/proxy/Requests.h"
#include "p2/store/Registration.h"
#include "p2/xmpp/Element.h"
#include "p2/xmpp/StanzaError.h"

#include <chrono>
#include <optional>
#include <string>

namespace p2::proxy {

/// The answers, as payloads of a result. All pure.

/// A registration is there: one completed command with one form that holds `jid`, `node` and `secret`, which
/// every version of Conversations takes.
xmpp::Element registered(const std::string& commandNode, const std::string& sessionId, const std::string& jid,
                         const store::Registration& registration);
/// A phone is withdrawn, with a note that says so (XEP-0050 §4.3).
xmpp::Element commandCompleted(const std::string& commandNode, const std::string& sessionId);
/// A command was given up (XEP-0050 §3.3).
xmpp::Element commandCanceled(const std::string& commandNode, const std::string& sessionId);
/// The form to fill in, with labels for a person (XEP-0050 §3.2).
xmpp::Element commandForm(Command command, const std::string& commandNode, const std::string& sessionId);

/// XEP-0030 §3: what the component is, or one of its commands. Nothing for a node that is not there.
std::optional<xmpp::Element> discoInfo(const std::string& node);
/// XEP-0030 §4, XEP-0050 §2.2: the commands. Nothing for a node that is not there.
std::optional<xmpp::Element> discoItems(const std::string& node, const std::string& jid);
/// XEP-0092.
xmpp::Element version();
/// XEP-0202, always in UTC.
xmpp::Element entityTime(std::chrono::system_clock::time_point now);

/// XEP-0050 §4.4: the sessionid is not one of ours for this client and command, or is too old.
xmpp::StanzaError badSession(bool expired);

}  // namespace p2::proxy
