#include "p2/xmpp/Element.h"

#include <algorithm>
#include <utility>

namespace p2::xmpp {

Element::Element(std::string elementName, std::string elementNs, std::vector<Attribute> elementAttributes)
    : name(std::move(elementName)), ns(std::move(elementNs)), attributes(std::move(elementAttributes)) {}

Element&& Element::with(Element child) && {
  children.push_back(std::move(child));
  return std::move(*this);
}

Element&& Element::withText(std::string_view content) && {
  text = content;
  return std::move(*this);
}

Element&& Element::withAttribute(std::string attributeName, std::string value) && {
  attributes.push_back({std::move(attributeName), std::move(value)});
  return std::move(*this);
}

std::string_view Element::attribute(std::string_view attributeName) const noexcept {
  for (const auto& attribute : attributes) {
    if (attribute.name == attributeName) return attribute.value;
  }
  return {};
}

bool Element::hasAttribute(std::string_view attributeName) const noexcept {
  return std::any_of(attributes.begin(), attributes.end(),
                     [&](const Attribute& attribute) { return attribute.name == attributeName; });
}

const Element* Element::child(std::string_view childName, std::string_view childNs) const noexcept {
  for (const auto& element : children) {
    if (element.is(childName, childNs)) return &element;
  }
  return nullptr;
}

}  // namespace p2::xmpp
