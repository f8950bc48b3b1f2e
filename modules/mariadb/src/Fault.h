#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace p2::mariadb {

/// Why a database did not do what it was asked, and what follows for who asked. A value.
struct Fault {
  enum class Kind {
    refused,    ///< It would refuse it again.
    contended,  ///< Somebody else changes the same: to be done again from the beginning of the transaction.
    lost,       ///< The connection is gone. Whether a commit took place, nobody knows.
    unfit,      ///< This host cannot serve now: it is read-only, full, not in step. Another one may.
  };

  Kind kind = Kind::refused;
  std::string text;   ///< For the operator; nothing of what is stored.
  unsigned code = 0;  ///< MariaDB's; 0 if it has said nothing.
};

/// What is said to who has waited too long for his turn.
inline constexpr const char* kTooSlow = "The database takes longer for each request than they come.";

/// Nothing if it was done.
using MaybeFault = std::optional<Fault>;

/// A value, or why there is none. REQUIRES: value() only after ok(), fault() only after !ok().
template <class T>
class [[nodiscard]] Outcome {
 public:
  Outcome(T value) : _state(std::in_place_index<0>, std::move(value)) {}
  Outcome(Fault fault) : _state(std::in_place_index<1>, std::move(fault)) {}

  bool ok() const noexcept { return _state.index() == 0; }
  T& value() { return std::get<0>(_state); }
  const Fault& fault() const { return std::get<1>(_state); }

 private:
  std::variant<T, Fault> _state;
};

}  // namespace p2::mariadb
