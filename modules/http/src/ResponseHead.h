#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace p2::http {

/// The status of an answer that begins with `text`, from 100 on; nothing if it is not HTTP/1 (RFC 9112 §4).
/// Pure.
std::optional<int> statusOf(std::string_view text);

/// What is needed of the status line and the header of an answer. A value.
struct ResponseHead {
  /// What every answer begins with.
  static constexpr std::string_view kVersion = "HTTP/1.";

  int status = 0;
  bool keepAlive = true;
  bool chunked = false;
  /// Of the body; nothing if it is chunked or ends with the connection.
  std::optional<std::uint64_t> length;
  std::string retryAfter;  ///< As it came, or empty.
  std::string date;        ///< As it came, or empty.

  /// Reads what stands before the empty line (RFC 9112 §4, §5, §6). Nothing if it is not HTTP/1, or if nobody
  /// could tell where its body ends. Pure.
  static std::optional<ResponseHead> parse(std::string_view text);
};

}  // namespace p2::http
