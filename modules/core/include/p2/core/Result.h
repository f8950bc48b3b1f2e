#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace p2::core {

/// Why something could not be done, in a sentence that can be shown to an operator: it names the key, the
/// file or the host, what is wrong and what to do, and never a secret, a token or a JID.
struct Error {
  enum class Kind {
    unknown,  ///< Nobody knows what the value is; it may be there the next time.
    damaged,  ///< It was read, and is not what it should be: it must be made anew.
  };

  std::string text;
  Kind kind = Kind::unknown;
};

/// A value, or the reason why there is none. REQUIRES: `value()` only after `ok()`, `error()` only after
/// `!ok()`.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : _state(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : _state(std::in_place_index<1>, std::move(error)) {}

  bool ok() const noexcept { return _state.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  const T& value() const& { return std::get<0>(_state); }
  T& value() & { return std::get<0>(_state); }
  T&& value() && { return std::get<0>(std::move(_state)); }
  const std::string& error() const& { return std::get<1>(_state).text; }
  /// Whether there is a value, but a damaged one.
  bool isDamaged() const noexcept { return !ok() && std::get<1>(_state).kind == Error::Kind::damaged; }

 private:
  std::variant<T, Error> _state;
};

/// Done, or the reason why not.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : _error(std::move(error)) {}

  bool ok() const noexcept { return !_error; }
  explicit operator bool() const noexcept { return ok(); }

  const std::string& error() const& { return _error->text; }

 private:
  std::optional<Error> _error;
};

}  // namespace p2::core
