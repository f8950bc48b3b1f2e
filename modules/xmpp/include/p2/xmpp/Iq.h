#pragma once

#include "p2/xmpp/Element.h"

#include <optional>
#include <string>

namespace p2::xmpp {

/// A request: an `iq` of type get or set (RFC 6120 §8.2.3). A value.
struct Iq {
  enum class Type { get, set };

  Type type = Type::get;
  std::string id;
  std::string from;
  std::string to;
  /// The one child. Its name is empty if there was none or more than one: a malformed request that needs an
  /// answer.
  Element payload;
};

/// Reads a stanza as a request. Nothing if it is not one that can be answered: a message, a presence, an iq
/// of type result, error or an unknown one, or without `id`, `from` or `to`.
std::optional<Iq> toRequest(Element stanza);

}  // namespace p2::xmpp
