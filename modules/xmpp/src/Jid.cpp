#include "p2/xmpp/Jid.h"

#include "Punycode.h"

#include <Poco/UTF8String.h>

#include <algorithm>

namespace p2::xmpp {

namespace {

constexpr std::size_t kMaxPartSize = 1023;  // RFC 7622 §3.1
constexpr std::string_view kALabelPrefix = "xn--";
constexpr std::size_t kMaxLabelSize = 63;  // RFC 1034 §3.1; what is longer would take long to decode, too

bool isAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// Whether it holds a space or a control character, C0 or C1 (U+0080 to U+009F), which no domain has and no
/// log should show.
bool hasControls(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte <= ' ' || byte == 0x7F) return true;
    if (byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0) return true;
  }
  return false;
}

std::string lowercase(std::string_view text) {
  std::string lower(text);
  if (!isAscii(text)) return Poco::UTF8::toLower(lower);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower;
}

std::string uLabel(std::string label) {
  if (!label.starts_with(kALabelPrefix) || label.size() > kMaxLabelSize) return label;
  const auto encoded = std::string_view(label).substr(kALabelPrefix.size());
  auto decoded = decodePunycode(encoded);
  // No A-label stands for what needs none, or for capitals (RFC 5890 §2.3.2.1): one that seems to is another
  // name in the DNS, and somebody else's. Nor for control characters, which would end up in a terminal. And
  // of the labels that decode to the same, only the one that it encodes to is its A-label.
  const bool isALabel = decoded && !isAscii(*decoded) && !hasControls(*decoded) &&
                        lowercase(*decoded) == *decoded && encodePunycode(*decoded) == encoded;
  return isALabel ? *decoded : label;
}

}  // namespace

std::optional<Jid> Jid::parse(std::string_view text) {
  Jid jid;
  if (const auto slash = text.find('/'); slash != std::string_view::npos) {
    jid._resource = text.substr(slash + 1);
    if (jid._resource.empty()) return std::nullopt;
    text = text.substr(0, slash);
  }
  if (const auto at = text.find('@'); at != std::string_view::npos) {
    jid._local = text.substr(0, at);
    if (jid._local.empty()) return std::nullopt;
    text = text.substr(at + 1);
  }
  jid._domain = text;
  if (text.empty() || text == "." || text.find('@') != std::string_view::npos) return std::nullopt;
  if (hasControls(text)) return std::nullopt;
  if (std::max({jid._local.size(), jid._domain.size(), jid._resource.size()}) > kMaxPartSize)
    return std::nullopt;
  return jid;
}

std::string Jid::bare() const {
  return _local.empty() ? _domain : _local + '@' + _domain;
}

std::string comparableDomain(std::string_view domain) {
  std::string lower = lowercase(domain);
  if (lower.ends_with('.')) lower.pop_back();
  if (lower.find(kALabelPrefix) == std::string::npos) return lower;

  std::string comparable;
  for (std::size_t start = 0; start <= lower.size();) {
    const auto dot = std::min(lower.find('.', start), lower.size());
    if (start > 0) comparable += '.';
    comparable += uLabel(lower.substr(start, dot - start));
    start = dot + 1;
  }
  return comparable;
}

bool isAt(std::string_view jid, std::string_view domain) {
  if (jid == domain) return true;  // nearly always, and each stanza is looked at
  const auto parsed = Jid::parse(jid);
  return parsed && comparableDomain(parsed->domain()) == comparableDomain(domain);
}

}  // namespace p2::xmpp
