#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace p2::xmpp {

/// An attribute without a namespace, or `xml:lang`. Others mean nothing to p2 and are not kept.
struct Attribute {
  std::string name;
  std::string value;

  bool operator==(const Attribute&) const = default;
};

/// An XML element as XMPP uses it: either text or children, order of attributes without meaning. A value.
struct Element {
  std::string name;
  std::string ns;
  std::vector<Attribute> attributes;
  std::string text;  ///< The character data directly inside, joined.
  std::vector<Element> children;

  Element() = default;
  Element(std::string elementName, std::string elementNs, std::vector<Attribute> elementAttributes = {});

  /// For building: adds a child, a text or an attribute and gives this element back.
  Element&& with(Element child) &&;
  Element&& withText(std::string_view content) &&;
  Element&& withAttribute(std::string attributeName, std::string value) &&;

  /// The attribute's value, or empty if there is none. Lives as long as this element stays unchanged.
  std::string_view attribute(std::string_view attributeName) const noexcept;
  bool hasAttribute(std::string_view attributeName) const noexcept;
  /// The first child of that name and namespace, or null.
  const Element* child(std::string_view childName, std::string_view childNs) const noexcept;
  bool is(std::string_view elementName, std::string_view elementNs) const noexcept {
    return name == elementName && ns == elementNs;
  }

  bool operator==(const Element&) const = default;
};

}  // namespace p2::xmpp
