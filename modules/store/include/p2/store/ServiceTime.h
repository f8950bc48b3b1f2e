#pragma once

#include "p2/store/Registration.h"

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace p2::store {

/// The time in which phones could renew their registrations: it only ever grows, and stands still while
/// nobody can reach p2. It remembers what the civil clock showed meanwhile, as a list of *spans*, and so
/// tells of any date that the clock has given to a registration how far it had come by then, whatever that
/// clock has done: gone ahead or back, stood at 1970. What it is not sure of it takes for later than it was.
/// A value.
class ServiceTime {
 public:
  using Time = Registration::Time;
  using Seconds = std::chrono::seconds;

  /// More spans than these become one where that says the least untrue.
  static constexpr std::size_t kMostSpans = 128;

  /// From here on the civil clock shows `wall` and goes on with the time that is added.
  void begin(Time wall);
  /// Adds `by` to it, while the civil clock has come to `wall`. REQUIRES: begin() was called.
  void advance(Time wall, Seconds by);
  /// Every registration counts as renewed now: an import brings dates of other clocks.
  void renewAll() { _allRenewedAt = _total; }

  /// Takes over what another p2 of the same store knows: its time, if it has counted more, for none has
  /// counted more than there was; when all counted as renewed, if it was later; and what its clock has shown,
  /// whoever has counted more. begin() is to be called next.
  void join(const ServiceTime& other);
  /// Dates from `by` before the current span to `by` after it count as its own: those of a clock that runs on
  /// until this is stored again. REQUIRES: begin() was called.
  void widen(Seconds by);

  Seconds total() const { return _total; }
  Seconds allRenewedAt() const { return _allRenewedAt; }  ///< In its own time; zero if never.
  /// How much of it has gone by since a phone with the date `date` registered or renewed last, at most: since
  /// the civil clock showed it, or an earlier one later. While a clock is behind, a phone keeps the later
  /// date that it has, so what it renews then counts up to the end of that time. For a date before all that
  /// the clock has shown, since the beginning.
  Seconds since(Time date) const;

  std::string encode() const;
  /// What encode() gave. Of anything else nothing is known: an empty one, with which every registration has
  /// its whole time before it.
  static ServiceTime decode(std::string_view bytes);

  bool operator==(const ServiceTime&) const = default;

 private:
  /// From `first` to `last` of the civil clock it came to `atLast`; at a date between it was at `lead` + date
  /// or less.
  struct Span {
    Time first{};
    Time last{};
    Seconds lead{};
    Seconds atLast{};

    bool operator==(const Span&) const = default;
  };

  void learn(const Span& span);
  static Span merged(const Span& one, const Span& other);
  void mergeClosest();

  Seconds _total{};
  Seconds _allRenewedAt{};
  std::vector<Span> _spans;  ///< In the order in which they began.
};

}  // namespace p2::store
