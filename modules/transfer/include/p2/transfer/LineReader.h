#pragma once

#include <cstddef>
#include <cstdint>
#include <istream>
#include <string>

namespace p2::transfer {

/// Reads a text line by line with bounded memory. Used by one thread.
class LineReader {
 public:
  enum class Read { line, tooLong, end };
  static constexpr std::size_t kMaxLineBytes = 65536;

  explicit LineReader(std::istream& in) : _in(in) {}

  /// The next line, without its end (`\n` or `\r\n`). Of one that is too long nothing is given, and the next
  /// call goes on behind it. Blocks; throws what the
  /// stream's buffer throws when it cannot read.
  Read next(std::string& line);
  /// Whether the line that was read last had no end: the text may have been cut off there.
  bool endMissing() const noexcept { return _endMissing; }
  /// The number of the line that was read last, from 1.
  std::uint64_t number() const noexcept { return _number; }

 private:
  std::istream& _in;
  std::uint64_t _number = 0;
  bool _endMissing = false;
};

}  // namespace p2::transfer
