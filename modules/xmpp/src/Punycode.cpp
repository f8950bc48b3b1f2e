#include "Punycode.h"

#include <Poco/UTFString.h>
#include <Poco/UnicodeConverter.h>

#include <cstdint>
#include <vector>

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

char digit(std::uint32_t value) {
  return static_cast<char>(value < 26 ? 'a' + value : '0' + (value - 26));
}

std::uint32_t thresholdAt(std::uint32_t k, std::uint32_t bias) {
  return k <= bias ? kTMin : (k >= bias + kTMax ? kTMax : k - bias);
}

void writeDelta(std::string& encoded, std::uint64_t delta, std::uint32_t bias) {
  for (std::uint32_t k = kBase;; k += kBase) {
    const std::uint32_t threshold = thresholdAt(k, bias);
    if (delta < threshold) break;
    encoded += digit(threshold + static_cast<std::uint32_t>((delta - threshold) % (kBase - threshold)));
    delta = (delta - threshold) / (kBase - threshold);
  }
  encoded += digit(static_cast<std::uint32_t>(delta));
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
    const std::uint32_t threshold = thresholdAt(k, bias);
    if (*digit < threshold) break;
    weight *= kBase - threshold;
    if (weight > UINT32_MAX) return false;
  }
  index = static_cast<std::uint32_t>(sum);
  return true;
}

std::vector<std::uint32_t> codePointsOf(std::string_view utf8) {
  Poco::UTF32String text;
  Poco::UnicodeConverter::convert(std::string(utf8), text);
  std::vector<std::uint32_t> points;  // UTF32Char may be wchar_t, which has a sign
  points.reserve(text.size());
  for (const auto point : text) points.push_back(static_cast<std::uint32_t>(point));
  return points;
}

std::uint32_t leastFrom(std::uint32_t first, const std::vector<std::uint32_t>& points) {
  std::uint32_t least = UINT32_MAX;
  for (const auto point : points) {
    if (point >= first && point < least) least = point;
  }
  return least;
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

std::optional<std::string> encodePunycode(std::string_view utf8) {
  const auto points = codePointsOf(utf8);
  std::string encoded;
  for (const auto point : points) {
    if (point < kInitialN) encoded += static_cast<char>(point);
  }
  auto handled = static_cast<std::uint32_t>(encoded.size());
  const std::uint32_t basic = handled;
  if (basic > 0) encoded += '-';

  std::uint32_t n = kInitialN;
  std::uint64_t delta = 0;
  std::uint32_t bias = kInitialBias;
  while (handled < points.size()) {
    const auto next = leastFrom(n, points);
    delta += std::uint64_t{next - n} * (handled + 1);
    n = next;
    for (const auto point : points) {
      if (point < n) ++delta;
      if (point != n) continue;
      if (delta > UINT32_MAX) return std::nullopt;
      writeDelta(encoded, delta, bias);
      bias = adapt(static_cast<std::uint32_t>(delta), handled + 1, handled == basic);
      delta = 0;
      ++handled;
    }
    ++delta;
    ++n;
  }
  return encoded;
}

}  // namespace p2::xmpp
