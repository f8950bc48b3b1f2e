#pragma once

#include "p2/xmpp/Element.h"
#include "p2/xmpp/Namespaces.h"

#include <string>
#include <string_view>

namespace p2::xmpp {

/// Appends `text` with the five characters escaped that XML reserves, fit for content and for attribute
/// values.
void appendEscaped(std::string& out, std::string_view text);

/// The element as XML. `parentNs`: the default namespace where it will stand, so that it is not declared
/// again.
std::string serialize(const Element& element, std::string_view parentNs = ns::kComponent);

}  // namespace p2::xmpp
