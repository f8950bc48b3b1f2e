#pragma once

#include "Draw.h"
#include "p2/xmpp/Element.h"
#include "p2/xmpp/StanzaReader.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace p2::test {

/// What is wrong in a piece of XML.
enum class Harm {
  none,
  broken,    ///< Not well-formed: the stanza's own fault.
  entity,    ///< Forbidden (RFC 6120 §11.1), and found by the parser only.
  forbidden  ///< Forbidden, and found wherever it stands.
};

/// An element as it is written and as it is meant: the plain reference that a reader is compared with.
struct Tree {
  struct Attribute {
    std::string raw;                            ///< As written, the space before it included.
    std::optional<xmpp::Attribute> meant;       ///< What is kept of it.
    std::pair<std::string, std::string> binds;  ///< A declaration: prefix (empty: the default) and namespace.
    bool declares = false;
  };
  struct Content {
    std::string raw;
    std::string meant;
    std::vector<Tree> child;  ///< One, or none: then it is text.
  };

  std::string prefix;
  std::string name;
  std::vector<Attribute> attributes;
  std::vector<Content> content;
  std::optional<std::string> endName;  ///< In the end tag, if it is another one.
  bool shortForm = true;               ///< `<a/>`, if there is no content.

  Tree() = default;
  explicit Tree(std::string elementName) : name(std::move(elementName)) {}

  Tree with(Tree child) &&;
  Tree withText(std::string_view text) &&;
  Tree withAttribute(const std::string& attribute, const std::string& value) &&;
  Tree withNamespace(const std::string& ns) &&;
};

/// What StanzaReader::Limits bound, counted on the tree.
struct Measure {
  std::size_t bytes = 0;
  std::size_t depth = 0;
  std::size_t attributes = 0;
  std::size_t elements = 0;

  bool within(const xmpp::StanzaReader::Limits& limits) const noexcept;
};

std::string startTagOf(const Tree& tree);
std::string textOf(const Tree& tree);
/// REQUIRES: the tree is well-formed, and stands in a stream of a component.
xmpp::Element elementOf(const Tree& tree);
Measure measureOf(const Tree& tree);

/// A stanza with what must become of it.
struct Sample {
  enum class Fate { read, refused, endsStream };

  std::string xml;
  Fate fate = Fate::read;
  xmpp::Element meant;      ///< If it is read.
  xmpp::Element head;       ///< Its name and attributes.
  bool headIsWhole = true;  ///< Not cut, and nothing is wrong in it: it is told of a refused one.
};

/// Draws a tree of elements of any kind, without harm, on and around limits of some ten.
Tree drawTree(Draw& draw, std::string name);
/// Draws what is done to a stanza: nothing, more content, a size on and around the limit, a harm at any
/// place.
Sample spoil(Draw& draw, Tree stanza, const xmpp::StanzaReader::Limits& limits);

/// Small, so that every one is crossed in every state; what a publish needs fits in.
xmpp::StanzaReader::Limits smallLimits();

inline constexpr std::string_view kStreamStart =
    "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='1'>";

}  // namespace p2::test
