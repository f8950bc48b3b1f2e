#pragma once

#include "p2/core/Clock.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace p2::proxy {

/// Which of the faults that recur is worth a line of the log: one when it first appears, then one every ten
/// minutes with how many there were meanwhile. Memory is bounded. Used by one thread at a time.
class Repeats {
 public:
  static constexpr std::chrono::minutes kEvery{10};
  /// Reasons told apart at a time; those beyond share one line, so that what varies with each request, or
  /// with each domain, cannot fill the log.
  static constexpr std::size_t kMost = 64;

  /// How many were passed over since the last line; nothing if this one is to be passed over as well.
  std::optional<std::uint64_t> admit(const std::string& reason, core::Clock::TimePoint now);

 private:
  struct Entry {
    core::Clock::TimePoint logged;
    std::uint64_t suppressed = 0;
  };

  std::map<std::string, Entry> _reasons;
};

}  // namespace p2::proxy
