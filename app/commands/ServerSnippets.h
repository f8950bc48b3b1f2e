#pragma once

#include "Settings.h"

#include <string>

/// What goes into the XMPP server's configuration so that p2 can be its component. Pure.
namespace p2::app {

std::string prosodySnippet(const Settings::Xmpp& xmpp);
std::string ejabberdSnippet(const Settings::Xmpp& xmpp);
std::string mongooseImSnippet(const Settings::Xmpp& xmpp);
/// Openfire is set up in its admin console: the steps there.
std::string openfireSteps(const Settings::Xmpp& xmpp);
/// The DNS record that the component's name needs, and why.
std::string dnsAdvice(const Settings::Xmpp& xmpp);

}  // namespace p2::app
