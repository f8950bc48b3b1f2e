#include "Punycode.h"

#include <Poco/UTFString.h>
#include <Poco/UnicodeConverter.h>

#include <cstdint>

namespace p2::xmpp {

namespace {

// RFC 3492 §5
constexpr std::uint32_t kBase = 36;
constexpr std::uint32_t kTMin = 1;
constexpr std::uint32_t kTMax = 26;
constexpr std::uint32_t kSkew = 38;
constexpr std::uint32_t kDamp = 700;
constexpr std::uint32_t kInitialBias = 72;
constexpr std::uint32_t kInitialN = 128;
constexpr std::uint32_t kLastCodePoint = 0x10FFFF;

std::optional<std::uint32_t> digitOf(char c) {
  if (c >= 'a' && c <= 'z') return static_cast<std::uint32_t>(c - 'a');
  if (c >= 'A' && c <= 'Z') return static_cast<std::uint32_t>(c - 'A');
  if (c >= '0' && c <= '9') return static_cast<std::uint32_t>(c - '0') + 26;
  return std::nullopt;
}

std::uint32_t adapt(std::uint32_t delta, std::uint32_t points, bool first) {
  delta = first ? delta / kDamp : delta / 2;
  delta += delta / points;
  std::uint32_t k = 0;
  for (; delta > ((kBase - kTMin) * kTMax) / 2; k += kBase) delta /= kBase - kTMin;
  return k + (kBase - kTMin + 1) * delta / (delta + kSkew);
}

/// Reads one generalized variable-length integer (RFC 3492 §3.3) from `position` on and adds it to `index`.
bool readDelta(std::string_view encoded, std::size_t& position, std::uint32_t bias, std::uint32_t& index) {
  std::uint64_t weight = 1;
  std::uint64_t sum = index;
  for (std::uint32_t k = kBase;; k += kBase) {
    if (position >= encoded.size()) return false;
    const auto digit = digitOf(encoded[position++]);
    if (!digit) return false;
    sum += *digit * weight;
    if (sum > UINT32_MAX) return false;
    const std::uint32_t threshold = k <= bias ? kTMin : (k >= bias + kTMax ? kTMax : k - bias);
    if (*digit < threshold) break;
    weight *= kBase - threshold;
    if (weight > UINT32_MAX) return false;
  }
  index = static_cast<std::uint32_t>(sum);
  return true;
}

}  // namespace

std::optional<std::string> decodePunycode(std::string_view encoded) {
  Poco::UTF32String points;
  std::size_t position = 0;
  if (const auto delimiter = encoded.rfind('-'); delimiter != std::string_view::npos) {
    for (const char c : encoded.substr(0, delimiter)) {
      if (static_cast<unsigned char>(c) >= kInitialN) return std::nullopt;
      points.push_back(static_cast<Poco::UTF32Char>(c));
    }
    position = delimiter + 1;
  }

  std::uint32_t n = kInitialN;
  std::uint32_t index = 0;
  std::uint32_t bias = kInitialBias;
  while (position < encoded.size()) {
    const std::uint32_t before = index;
    if (!readDelta(encoded, position, bias, index)) return std::nullopt;
    const auto length = static_cast<std::uint32_t>(points.size()) + 1;
    bias = adapt(index - before, length, before == 0);
    if (index / length > kLastCodePoint - n) return std::nullopt;
    n += index / length;
    if (n >= 0xD800 && n <= 0xDFFF) return std::nullopt;
    index %= length;
    points.insert(points.begin() + index, static_cast<Poco::UTF32Char>(n));
    ++index;
  }

  std::string utf8;
  Poco::UnicodeConverter::convert(points, utf8);
  return utf8;
}

}  // namespace p2::xmpp
