#include "p2/store/Identity.h"

#include <unistd.h>

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace p2::store {

namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t kNodeBytes = 9;
constexpr std::size_t kSecretBytes = 18;

/// Base64 of `Bytes` random bytes; as they come in threes there is no padding.
template <std::size_t Bytes>
std::optional<std::string> drawText() {
  static_assert(Bytes % 3 == 0);
  std::array<unsigned char, Bytes> bytes{};
  if (::getentropy(bytes.data(), bytes.size()) != 0) return std::nullopt;
  std::string text;
  text.reserve(Bytes / 3 * 4);
  for (std::size_t i = 0; i < Bytes; i += 3) {
    const unsigned triple = unsigned{bytes[i]} << 16U | unsigned{bytes[i + 1]} << 8U | unsigned{bytes[i + 2]};
    for (const unsigned shift : {18U, 12U, 6U, 0U}) text.push_back(kAlphabet[triple >> shift & 63U]);
  }
  return text;
}

core::Error noEntropy() {
  return core::Error{"The operating system gives no random bytes (getentropy failed); see its log."};
}

}  // namespace

core::Result<std::string> drawNode() {
  auto text = drawText<kNodeBytes>();
  if (!text) return noEntropy();
  return std::move(*text);
}

core::Result<core::Secret> drawSecret() {
  auto text = drawText<kSecretBytes>();
  if (!text) return noEntropy();
  return core::Secret(std::move(*text));
}

}  // namespace p2::store
