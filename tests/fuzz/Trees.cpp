#include "Trees.h"

#include "p2/xmpp/Namespaces.h"
#include "p2/xmpp/Serializer.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace p2::test {

namespace {

using xmpp::Element;

struct Word {
  std::string_view raw;
  std::string_view meant;
};

/// What stands in a text, as written and as read.
constexpr std::array<Word, 14> kTexts{{{"x", "x"},
                                       {" ", " "},
                                       {"\n\t", "\n\t"},
                                       {"&lt;", "<"},
                                       {"&amp;gt;", "&gt;"},
                                       {"&#65;&#x20AC;", "A\xe2\x82\xac"},
                                       {"\xe2\x82\xac\xf0\x9f\x92\xa9", "\xe2\x82\xac\xf0\x9f\x92\xa9"},
                                       {"]] ", "]] "},
                                       {"'\">", "'\">"},
                                       {"<![CDATA[</iq>&<!-- ]]>", "</iq>&<!-- "},
                                       {"<![CDATA[]]]>", "]"},
                                       {"<![CDATA[]]]]><![CDATA[>]]>", "]]>"},
                                       {"<![CDATA[]]>", ""},
                                       {"/>", "/>"}}};

/// Attributes as they are written behind a name, all different.
struct AttributeWord {
  std::string_view raw;
  std::string_view name;  ///< Empty: not kept.
  std::string_view value;
};
constexpr std::array<AttributeWord, 8> kAttributes{{{" a='1'", "a", "1"},
                                                    {" b = \"'>/\"", "b", "'>/"},
                                                    {"\nc='&lt;&quot;'", "c", "<\""},
                                                    {" xml:e='1'", "", ""},
                                                    {" d=''", "d", ""},
                                                    {" xml:lang='en'", "xml:lang", "en"},
                                                    {"\tg='\xe2\x82\xac='", "g", "\xe2\x82\xac="},
                                                    {" h=\"]]>\"", "h", "]]>"}}};

constexpr std::array<std::string_view, 8> kNames{"a", "b", "x", "iq", "_", "query", "\xc3\xa9", "e-1.2"};

struct HarmWord {
  std::string_view raw;
  Harm harm;
};

constexpr std::array<HarmWord, 30> kHarmfulContent{{
    {"<x:a/>", Harm::broken},
    {"<a x:b='1'/>", Harm::broken},
    {"<a b='1' b='2'/>", Harm::broken},
    {"<a xmlns:x='u' xmlns:x='v'/>", Harm::broken},
    {"<a xmlns:x='u' xmlns:y='u' x:b='1' y:b='2'/>", Harm::broken},
    {"<a xmlns:x=''/>", Harm::broken},
    {"<a xmlns:xml='u'/>", Harm::broken},
    {"<a></b>", Harm::broken},
    {"<a b=1/>", Harm::broken},
    {"<a b/>", Harm::broken},
    {"<a b='1'c='2'/>", Harm::broken},
    {"<a b='<'/>", Harm::broken},
    {"<a<b/>", Harm::broken},
    {"<a'b/>", Harm::broken},
    {"<1/>", Harm::broken},
    {"< a/>", Harm::broken},
    {"<:a/>", Harm::broken},
    {"]]>", Harm::broken},
    {"&", Harm::broken},
    {"&#0;", Harm::broken},
    {"&#xD800;", Harm::broken},
    {"\xff", Harm::broken},
    {"\xc0\xaf", Harm::broken},
    {"\xef\xbf\xbf", Harm::broken},
    {"\x01", Harm::broken},
    {"<![CDATA[\xed\xa0\x80]]>", Harm::broken},
    {"&lol;", Harm::entity},
    {"<!-- x -->", Harm::forbidden},
    {"<?x y?>", Harm::forbidden},
    {"<!DOCTYPE a [<!ENTITY b 'c'>]>", Harm::forbidden},
}};

constexpr std::array<HarmWord, 15> kHarmfulAttributes{{
    {" x:y='1'", Harm::broken},
    {" z='1' z='2'", Harm::broken},
    {" xmlns:x='u' xmlns:x='v'", Harm::broken},
    {" xmlns:x='u' xmlns:y='u' x:b='1' y:b='2'", Harm::broken},
    {" xmlns:x=''", Harm::broken},
    {" z='<'", Harm::broken},
    {" z='&'", Harm::broken},
    {" z='&#1;'", Harm::broken},
    {" z='\xff'", Harm::broken},
    {" z=\"\xef\xbf\xbe\"", Harm::broken},
    {" z='\x02'", Harm::broken},
    {" z", Harm::broken},
    {" z=1", Harm::broken},
    {" \x01z='1'", Harm::broken},
    {" z='&lol;'", Harm::entity},
}};

std::string qualifiedName(const Tree& tree) {
  return tree.prefix.empty() ? tree.name : tree.prefix + ':' + tree.name;
}

void write(const Tree& tree, std::string& out) {
  out += startTagOf(tree);
  if (tree.content.empty() && tree.shortForm) return;
  for (const auto& part : tree.content) {
    out += part.raw;
    for (const auto& child : part.child) write(child, out);
  }
  out += "</" + tree.endName.value_or(qualifiedName(tree)) + '>';
}

using Scope = std::vector<std::pair<std::string, std::string>>;

Element meant(const Tree& tree, Scope scope) {
  for (const auto& attribute : tree.attributes) {
    if (attribute.declares) scope.push_back(attribute.binds);
  }
  const auto bound =
      std::find_if(scope.rbegin(), scope.rend(), [&](const auto& b) { return b.first == tree.prefix; });
  Element element(tree.name, bound->second);
  for (const auto& attribute : tree.attributes) {
    if (attribute.meant) element.attributes.push_back(*attribute.meant);
  }
  for (const auto& part : tree.content) {
    element.text += part.meant;
    for (const auto& child : part.child) element.children.push_back(meant(child, scope));
  }
  return element;
}

void measure(const Tree& tree, std::size_t depth, Measure& into) {
  into.depth = std::max(into.depth, depth);
  into.attributes = std::max(into.attributes, tree.attributes.size());
  ++into.elements;
  for (const auto& part : tree.content) {
    for (const auto& child : part.child) measure(child, depth + 1, into);
  }
}

void collect(Tree& tree, std::vector<Tree*>& into) {
  into.push_back(&tree);
  for (auto& part : tree.content) {
    for (auto& child : part.child) collect(child, into);
  }
}

/// Valid until the tree changes.
Tree& placeIn(Draw& draw, Tree& tree) {
  std::vector<Tree*> places;
  collect(tree, places);
  return *places[draw.below(std::min<std::size_t>(places.size(), 256))];
}

void insert(Draw& draw, Tree& into, Tree::Content content) {
  const std::size_t at = draw.below(std::min<std::size_t>(into.content.size() + 1, 256));
  into.content.insert(into.content.begin() + static_cast<std::ptrdiff_t>(at), std::move(content));
}

/// Something that is `size` bytes longer than without it, at a place and of a kind that are drawn.
void lengthen(Draw& draw, Tree& stanza, std::size_t size) {
  Tree& place = placeIn(draw, stanza);
  const auto filled = [size](std::string_view before, char filling, std::string_view behind) {
    const std::size_t fixed = before.size() + behind.size();
    return std::string(before) + std::string(size > fixed ? size - fixed : 0, filling) + std::string(behind);
  };
  // To end an element in full is more than to end it in short.
  const std::size_t ended = place.content.empty() && place.shortForm ? qualifiedName(place).size() + 2 : 0;
  const auto put = [&](std::string raw, std::string text) {
    raw.resize(raw.size() > ended ? raw.size() - ended : 0);
    text.resize(std::min(text.size(), raw.size()));
    insert(draw, place, {std::move(raw), std::move(text), {}});
  };
  switch (draw.below(6)) {
    case 0:
      return put(filled("", 'x', ""), filled("", 'x', ""));
    case 1:
      return put(filled("", '>', ""), filled("", '>', ""));
    case 2: {
      const std::size_t room = size > ended ? size - ended : 0;
      const std::string inside(room > 12 ? room - 12 : 0, ']');
      return insert(draw, place, {"<![CDATA[" + inside + "]]>", inside, {}});
    }
    case 3: {
      const std::string value = filled(" v=''", '/', "").substr(5);
      place.attributes.push_back({" v='" + value + '\'', xmpp::Attribute{"v", value}, {}, false});
      return;
    }
    case 4: {
      const std::string name = filled("", 'n', "='' ");
      if (name.size() < 5) return;
      place.attributes.push_back({' ' + name.substr(0, name.size() - 1),
                                  xmpp::Attribute{name.substr(0, name.size() - 4), ""},
                                  {},
                                  false});
      return;
    }
    default:
      place.name += std::string((size + 1) / (place.content.empty() && place.shortForm ? 1 : 2), 'n');
  }
}

/// A number on or around a limit.
std::size_t around(Draw& draw, std::size_t limit) {
  return limit - 2 + draw.below(5);
}

void multiply(Draw& draw, Tree& stanza, std::size_t elements) {
  Tree& place = placeIn(draw, stanza);
  for (std::size_t there = measureOf(stanza).elements; there < elements; ++there) {
    place.content.push_back({{}, {}, {Tree("e")}});
  }
}

void deepen(Draw& draw, Tree& stanza, std::size_t depth) {
  Tree* place = &stanza;
  for (std::size_t there = 1; there < depth; ++there) {
    insert(draw, *place, {{}, {}, {Tree("d")}});
    const auto child = std::find_if(place->content.begin(), place->content.end(),
                                    [](const auto& part) { return !part.child.empty(); });
    place = &child->child.front();
  }
}

void attribute(Draw& draw, Tree& stanza, std::size_t attributes) {
  Tree& place = placeIn(draw, stanza);
  for (char name = 'k'; place.attributes.size() < attributes; ++name) {
    place.attributes.push_back(
        {std::string(" ") + name + "=''", xmpp::Attribute{std::string(1, name), ""}, {}, false});
  }
}

Tree drawChild(Draw& draw, std::size_t depth);

void fill(Draw& draw, Tree& tree, std::size_t depth) {
  const std::size_t attributes = draw.below(9);
  for (std::size_t i = 0; i < attributes; ++i) {
    const auto& word = kAttributes[i];
    std::optional<xmpp::Attribute> kept;
    if (!word.name.empty()) kept = xmpp::Attribute{std::string(word.name), std::string(word.value)};
    tree.attributes.push_back({std::string(word.raw), std::move(kept), {}, false});
  }
  tree.shortForm = draw.below(2) == 0;
  const std::size_t parts = draw.below(7);
  for (std::size_t i = 0; i < parts; ++i) {
    if (depth < 12 && draw.below(2) == 1) {
      tree.content.push_back({{}, {}, {drawChild(draw, depth + 1)}});
    } else {
      const auto& word = draw.of(kTexts);
      tree.content.push_back({std::string(word.raw), std::string(word.meant), {}});
    }
  }
}

Tree drawChild(Draw& draw, std::size_t depth) {
  Tree tree{std::string(draw.of(kNames))};
  switch (draw.below(6)) {
    case 1:
      tree.attributes.push_back({" xmlns='urn:d'", std::nullopt, {"", "urn:d"}, true});
      break;
    case 2:
      tree.attributes.push_back({" xmlns=''", std::nullopt, {"", ""}, true});
      break;
    case 3:
      tree.prefix = "p";
      tree.attributes.push_back({" xmlns:p='urn:p'", std::nullopt, {"p", "urn:p"}, true});
      break;
    case 4:
      tree.prefix = "stream";
      break;
    default:
      break;
  }
  fill(draw, tree, depth);
  return tree;
}

/// Puts something harmful into the stanza; gives what it is, and whether its start tag has it.
std::pair<Harm, bool> harm(Draw& draw, Tree& stanza) {
  Tree& place = placeIn(draw, stanza);
  const bool own = &place == &stanza;
  switch (draw.below(4)) {
    case 0:
    case 1: {
      const auto& word = draw.of(kHarmfulContent);
      insert(draw, place, {std::string(word.raw), {}, {}});
      return {word.harm, false};
    }
    case 2: {
      const auto& word = draw.of(kHarmfulAttributes);
      const std::size_t at = draw.below(std::min<std::size_t>(place.attributes.size() + 1, 256));
      place.attributes.insert(place.attributes.begin() + static_cast<std::ptrdiff_t>(at),
                              {std::string(word.raw), std::nullopt, {}, false});
      return {word.harm, own};
    }
    default:
      if (draw.below(2) == 0) {
        place.shortForm = false;
        place.endName = "other";
        return {Harm::broken, false};
      }
      place.prefix = "unbound";
      return {Harm::broken, own};
  }
}

}  // namespace

Tree Tree::with(Tree child) && {
  content.push_back({{}, {}, {std::move(child)}});
  return std::move(*this);
}

Tree Tree::withText(std::string_view text) && {
  std::string escaped;
  xmpp::appendEscaped(escaped, text);
  content.push_back({std::move(escaped), std::string(text), {}});
  return std::move(*this);
}

Tree Tree::withAttribute(const std::string& attribute, const std::string& value) && {
  std::string raw = ' ' + attribute + "='";
  xmpp::appendEscaped(raw, value);
  attributes.push_back({raw + '\'', xmpp::Attribute{attribute, value}, {}, false});
  return std::move(*this);
}

Tree Tree::withNamespace(const std::string& ns) && {
  attributes.push_back({" xmlns='" + ns + '\'', std::nullopt, {"", ns}, true});
  return std::move(*this);
}

bool Measure::within(const xmpp::StanzaReader::Limits& limits) const noexcept {
  return bytes <= limits.stanzaSize && depth <= limits.depth && attributes <= limits.attributes &&
         elements <= limits.elements;
}

std::string startTagOf(const Tree& tree) {
  std::string out = '<' + qualifiedName(tree);
  for (const auto& attribute : tree.attributes) out += attribute.raw;
  return out + (tree.content.empty() && tree.shortForm ? "/>" : ">");
}

std::string textOf(const Tree& tree) {
  std::string out;
  write(tree, out);
  return out;
}

xmpp::Element elementOf(const Tree& tree) {
  return meant(tree, {{"", std::string(xmpp::ns::kComponent)}, {"stream", std::string(xmpp::ns::kStreams)}});
}

Measure measureOf(const Tree& tree) {
  Measure all;
  all.bytes = textOf(tree).size();
  measure(tree, 1, all);
  return all;
}

Tree drawTree(Draw& draw, std::string name) {
  Tree tree(std::move(name));
  fill(draw, tree, 1);
  return tree;
}

Sample spoil(Draw& draw, Tree stanza, const xmpp::StanzaReader::Limits& limits) {
  for (std::size_t more = draw.below(4); more > 0; --more) {
    auto child = drawChild(draw, 6);
    insert(draw, placeIn(draw, stanza), {{}, {}, {std::move(child)}});
  }
  switch (draw.below(8)) {
    case 1: {
      const std::size_t size = measureOf(stanza).bytes;
      const std::size_t wanted = around(draw, limits.stanzaSize);
      if (wanted > size) lengthen(draw, stanza, wanted - size);
      break;
    }
    case 2: {
      constexpr std::array<std::size_t, 6> kSizes{901, 2000, 8000, 32768, 40000, 70000};
      lengthen(draw, stanza, draw.of(kSizes));
      break;
    }
    case 3:
      multiply(draw, stanza, around(draw, limits.elements));
      break;
    case 4:
      deepen(draw, stanza, around(draw, limits.depth));
      break;
    case 5:
      attribute(draw, stanza, around(draw, limits.attributes));
      break;
    default:
      break;
  }
  Sample sample;
  auto [harmed, inHead] = std::pair{Harm::none, false};
  if (draw.below(3) == 1) std::tie(harmed, inHead) = harm(draw, stanza);
  sample.xml = textOf(stanza);
  const bool fits = measureOf(stanza).within(limits);
  sample.head.name = stanza.name;
  for (const auto& attribute : stanza.attributes) {
    if (attribute.meant) sample.head.attributes.push_back(*attribute.meant);
  }
  sample.headIsWhole = !inHead && startTagOf(stanza).size() <= limits.stanzaSize;
  if (harmed == Harm::forbidden || (harmed == Harm::entity && fits)) {
    sample.fate = Sample::Fate::endsStream;
  } else if (harmed != Harm::none || !fits) {
    sample.fate = Sample::Fate::refused;
  } else {
    sample.meant = elementOf(stanza);
  }
  return sample;
}

xmpp::StanzaReader::Limits smallLimits() {
  xmpp::StanzaReader::Limits limits;
  limits.stanzaSize = 900;
  limits.depth = 8;
  limits.attributes = 6;
  limits.elements = 20;
  return limits;
}

}  // namespace p2::test
