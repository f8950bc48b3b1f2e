#include "p2/xmpp/Iq.h"

#include "p2/xmpp/Namespaces.h"

#include <utility>

namespace p2::xmpp {

std::optional<Iq> toRequest(Element stanza) {
  if (!stanza.is("iq", ns::kComponent)) return std::nullopt;
  const auto type = stanza.attribute("type");
  if (type != "get" && type != "set") return std::nullopt;

  Iq iq;
  iq.type = type == "get" ? Iq::Type::get : Iq::Type::set;
  iq.id = stanza.attribute("id");
  iq.from = stanza.attribute("from");
  iq.to = stanza.attribute("to");
  if (iq.id.empty() || iq.from.empty() || iq.to.empty()) return std::nullopt;
  if (stanza.children.size() == 1) iq.payload = std::move(stanza.children.front());
  return iq;
}

}  // namespace p2::xmpp
