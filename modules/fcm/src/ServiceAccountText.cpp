#include "ServiceAccountText.h"

#include "Json.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <optional>

namespace p2::fcm {

namespace {

using core::Error;

constexpr std::string_view kBlanks = " \t\r\n\f\v";
constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";
constexpr std::string_view kBegin = "-----BEGIN PRIVATE KEY-----";
constexpr std::string_view kEnd = "-----END PRIVATE KEY-----";
constexpr std::size_t kPemLine = 64;

Error fault(std::string_view what, std::string_view remedy) {
  return Error{std::string(what) + std::string(remedy)};
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

void appendUtf8(std::string& out, std::uint32_t point) {
  const auto add = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (point < 0x80) return add(point);
  if (point < 0x800) {
    add(0xC0 | point >> 6);
  } else if (point < 0x10000) {
    add(0xE0 | point >> 12);
    add(0x80 | (point >> 6 & 0x3F));
  } else {
    add(0xF0 | point >> 18);
    add(0x80 | (point >> 12 & 0x3F));
    add(0x80 | (point >> 6 & 0x3F));
  }
  add(0x80 | (point & 0x3F));
}

/// Nothing if it is not well-formed.
std::optional<std::string> fromUtf16(std::string_view bytes, bool bigEndian) {
  if (bytes.size() % 2 != 0) return std::nullopt;
  const auto unitAt = [&](std::size_t at) {
    const auto first = static_cast<unsigned char>(bytes[at]),
               second = static_cast<unsigned char>(bytes[at + 1]);
    return static_cast<std::uint32_t>(bigEndian ? first << 8 | second : second << 8 | first);
  };
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 2) {
    std::uint32_t point = unitAt(at);
    if (point >= 0xDC00 && point < 0xE000) return std::nullopt;
    if (point >= 0xD800 && point < 0xDC00) {
      at += 2;
      const std::uint32_t low = at < bytes.size() ? unitAt(at) : 0;
      if (low < 0xDC00 || low >= 0xE000) return std::nullopt;
      point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
    }
    appendUtf8(text, point);
  }
  return text;
}

/// The bytes as UTF-8, without a byte order mark. What has every other byte zero is UTF-16 without one: JSON
/// begins with two characters of ASCII.
core::Result<std::string> decoded(std::string_view bytes) {
  const auto zeroAt = [&](std::size_t at) { return bytes.size() >= 4 && bytes[at] == '\0'; };
  const bool littleMark = bytes.starts_with("\xFF\xFE"), bigMark = bytes.starts_with("\xFE\xFF");
  const bool bigEndian = bigMark || (!littleMark && zeroAt(0) && !zeroAt(1) && zeroAt(2));
  if (littleMark || bigEndian || (!zeroAt(0) && zeroAt(1) && !zeroAt(2))) {
    const std::size_t mark = littleMark || bigMark ? 2 : 0;
    auto text = fromUtf16(bytes.substr(mark), bigEndian);
    if (!text) return fault("is damaged UTF-16", kCopyAgain);
    return std::move(*text);
  }
  if (bytes.starts_with(kUtf8Mark)) bytes.remove_prefix(kUtf8Mark.size());
  return std::string(bytes);
}

bool isBase64(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '+' || c == '/' || c == '=' || c == '-' || c == '_' || c == '\n' ||
           c == '\r';
  });
}

/// What is often put where the file should be, and is no JSON.
std::optional<Error> mistakenFor(std::string_view text) {
  if (text.empty()) return fault("is empty", kCopyAgain);
  if (text.find("<plist") != std::string_view::npos) {
    return fault(
        "is a property list (GoogleService-Info.plist), which belongs into an iOS app, not a service account "
        "key",
        kNewKey);
  }
  if (text.starts_with('<')) {
    return fault("is a web page, not a service account key: the download ended at a log-in or an error",
                 kNewKey);
  }
  if (text.starts_with("AIza")) return fault("is an API key, not a service account key", kNewKey);
  if (text.starts_with("AAAA") && text.find(':') != std::string_view::npos) {
    return fault("is a server key of FCM's legacy API, not a service account key", kNewKey);
  }
  if (text.starts_with("-----BEGIN")) {
    return fault(
        "is a PEM key alone: the JSON file that Google gave is wanted, which holds the key and whose it is",
        kCopyAgain);
  }
  if (text.starts_with("0\x82")) {
    return fault("is a P12 key file: choose JSON as the key's type", kNewKey);
  }
  if (text.starts_with("ey") && isBase64(text)) {
    return fault("is base64: it must be decoded before it is put there (base64 -d)", kCopyAgain);
  }
  if (text.find('\0') != std::string_view::npos) return fault("is not a text file", kCopyAgain);
  return std::nullopt;
}

/// The same with line ends in strings written as JSON has them: who expands `\n` does it there.
std::string withoutRawLineEnds(std::string_view text) {
  std::string out;
  bool inString = false, escaped = false;
  for (const char c : text) {
    if (inString && (c == '\n' || c == '\r')) {
      if (c == '\n') out += "\\n";
      continue;
    }
    if (c == '"' && !escaped) inString = !inString;
    escaped = inString && c == '\\' && !escaped;
    out += c;
  }
  return out;
}

/// What stands between quotes that a shell, a YAML file or an .env file should have taken away.
std::string unquoted(std::string_view text) {
  const bool isQuoted =
      text.size() >= 2 && text.front() == text.back() && (text.front() == '\'' || text.front() == '"');
  if (!isQuoted) return std::string(text);
  if (text.front() == '"') {
    // A JSON string that holds the object.
    const auto holder = parseObject("{\"x\":" + std::string(text) + '}');
    if (auto value = stringAt(holder, "x"); !value.empty()) return std::string(trimmed(value));
  }
  return std::string(trimmed(text.substr(1, text.size() - 2)));
}

/// The content of a PEM without blanks, line ends and line ends that are written out (`\n`).
std::string withoutLineEnds(std::string_view content) {
  std::string body;
  for (std::size_t at = 0; at < content.size(); ++at) {
    const bool writtenOut = content[at] == '\\' && at + 1 < content.size();
    if (writtenOut)
      ++at;
    else if (kBlanks.find(content[at]) == std::string_view::npos)
      body += content[at];
  }
  return body;
}

}  // namespace

core::Result<std::string> serviceAccountJson(std::string_view bytes) {
  auto text = decoded(bytes);
  if (!text) return text;
  std::string json = unquoted(trimmed(text.value()));
  if (parseObject(json)) return json;
  if (auto repaired = withoutRawLineEnds(json); parseObject(repaired)) return repaired;
  if (auto mistake = mistakenFor(json)) return std::move(*mistake);
  if (json.starts_with('{')) return fault("is not whole JSON: it was cut or edited", kCopyAgain);
  return fault("is not JSON", kCopyAgain);
}

core::Result<std::string> privateKeyPem(std::string_view value) {
  if (value.find("-----BEGIN ENCRYPTED") != std::string_view::npos) {
    return fault("has a \"private_key\" that is encrypted, as Google gives none", kCopyAgain);
  }
  const auto begin = value.find(kBegin);
  const auto end = value.find(kEnd);
  if (begin == std::string_view::npos) {
    const bool isOther = value.find("-----BEGIN ") != std::string_view::npos;
    return fault(isOther ? "has a \"private_key\" that is another PEM than a private key in PKCS#8"
                         : "has a \"private_key\" that is not PEM",
                 kCopyAgain);
  }
  if (end == std::string_view::npos || end < begin)
    return fault("has a \"private_key\" that is cut", kCopyAgain);
  const std::string body = withoutLineEnds(value.substr(begin + kBegin.size(), end - begin - kBegin.size()));
  std::string pem(kBegin);
  for (std::size_t at = 0; at < body.size(); at += kPemLine) pem.append("\n").append(body, at, kPemLine);
  return pem.append("\n").append(kEnd).append("\n");
}

}  // namespace p2::fcm
