#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace p2::http {

/// Decodes a chunked body (RFC 9112 §7.1) as it comes, in pieces of any size. Extensions and trailers are
/// passed over. Used by one thread; pure.
class ChunkedBody {
 public:
  enum class State {
    more,       ///< The body goes on.
    done,       ///< Its last byte was taken.
    malformed,  ///< What came is no chunked body.
    tooLarge,   ///< It has, or announces, more bytes than are taken.
  };

  /// A line between chunks, its extensions included, or a line of the trailers, may be so long.
  static constexpr std::size_t kMostLine = 4096;
  /// All trailers together.
  static constexpr std::size_t kMostTrailers = 16 * 1024;

  /// `most`: bytes of the body that are taken.
  explicit ChunkedBody(std::size_t most) : _left(most) {}

  /// Appends what `input` holds of the body to `body`, up to its end or a fault. The number of bytes that
  /// were taken: all, unless state() is another than `more` then.
  std::size_t feed(std::string_view input, std::string& body);
  State state() const noexcept { return _state; }

 private:
  enum class Part {
    size,
    extension,
    sizeEnd,
    data,
    dataEnd,
    dataLineEnd,
    trailerBegin,
    trailer,
    lastLineEnd
  };

  void take(char c);
  void takeSize(char c);
  void endSize();
  void takeTrailer(char c);
  void expect(bool right, Part next);

  State _state = State::more;
  Part _part = Part::size;
  std::size_t _left;         // of what may still be taken
  std::uint64_t _chunk = 0;  // bytes of this chunk that have not come
  std::size_t _digits = 0;   // of its size
  std::size_t _line = 0;     // bytes of this line
  std::size_t _trailers = 0;
};

}  // namespace p2::http
