#include "Json.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Parser.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace p2::fcm {

using Poco::JSON::Array;
using Poco::JSON::Object;

namespace {

constexpr std::size_t kMostDepth = 32;
constexpr std::size_t kLongestCode = 64;
/// What stands in a JSON string as it is.
constexpr auto kPlain = [] {
  std::array<bool, 256> plain{};
  for (unsigned byte = 0x20; byte < plain.size(); ++byte)
    plain[byte] = byte != 0x7f && byte != '"' && byte != '\\';
  return plain;
}();
constexpr std::string_view kHexDigits = "0123456789abcdef";

}  // namespace

Object::Ptr parseObject(const std::string& text) {
  try {
    Poco::JSON::Parser parser;
    parser.setDepth(kMostDepth);
    const Poco::Dynamic::Var root = parser.parse(text);
    return root.type() == typeid(Object::Ptr) ? root.extract<Object::Ptr>() : Object::Ptr();
  } catch (const Poco::Exception&) {
    return {};
  }
}

bool isOtherThanObject(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && text[first] != '{';
}

std::string stringAt(const Object::Ptr& object, const std::string& key) {
  if (!object) return {};
  const Poco::Dynamic::Var value = object->get(key);
  return value.isString() ? value.extract<std::string>() : std::string();
}

Object::Ptr objectAt(const Object::Ptr& object, const std::string& key) {
  return object && object->isObject(key) ? object->getObject(key) : Object::Ptr();
}

Array::Ptr arrayAt(const Object::Ptr& object, const std::string& key) {
  return object && object->isArray(key) ? object->getArray(key) : Array::Ptr();
}

long long numberAt(const Object::Ptr& object, const std::string& key, long long otherwise) {
  if (!object) return otherwise;
  try {
    const Poco::Dynamic::Var value = object->get(key);
    return value.isInteger() ? value.convert<Poco::Int64>() : otherwise;
  } catch (const Poco::Exception&) {
    return otherwise;
  }
}

bool isCode(std::string_view text) {
  return !text.empty() && text.size() <= kLongestCode &&
         std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

void appendString(std::string& out, std::string_view text) {
  out += '"';
  std::size_t done = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (kPlain[byte]) continue;
    out.append(text, done, i - done);
    done = i + 1;
    if (byte == '"' || byte == '\\') {
      out += '\\';
      out += text[i];
    } else {
      out += "\\u00";
      out += kHexDigits[byte >> 4];
      out += kHexDigits[byte & 0xf];
    }
  }
  out.append(text, done);
  out += '"';
}

}  // namespace p2::fcm
