#include "p2/xmpp/Serializer.h"

namespace p2::xmpp {

namespace {

/// `<name xmlns='…' attribute='…'`, which is still open.
void appendBegin(std::string& out, const Element& element, std::string_view parentNs) {
  out += '<';
  out += element.name;
  if (element.ns != parentNs) {
    out += " xmlns='";
    appendEscaped(out, element.ns);
    out += '\'';
  }
  for (const auto& attribute : element.attributes) {
    out += ' ';
    out += attribute.name;
    out += "='";
    appendEscaped(out, attribute.value);
    out += '\'';
  }
}

void appendElement(std::string& out, const Element& element, std::string_view parentNs) {
  appendBegin(out, element, parentNs);
  if (element.text.empty() && element.children.empty()) {
    out += "/>";
    return;
  }
  out += '>';
  appendEscaped(out, element.text);
  for (const auto& child : element.children) appendElement(out, child, element.ns);
  out += "</";
  out += element.name;
  out += '>';
}

}  // namespace

void appendEscaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&apos;";
        break;
      // A parser would turn these into spaces inside an attribute, and an id must come back as it went out.
      case '\t':
        out += "&#9;";
        break;
      case '\n':
        out += "&#10;";
        break;
      case '\r':
        out += "&#13;";
        break;
      default:
        out += c;
    }
  }
}

std::string serialize(const Element& element, std::string_view parentNs) {
  std::string out;
  appendElement(out, element, parentNs);
  return out;
}

}  // namespace p2::xmpp
