#pragma once

#include "commands/Command.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace p2::app {

/// A line of a progress bar: `reading rows  [#####-----]  50 %  500,000`; without a total only the count.
/// Pure.
std::string renderProgress(const std::string& what, std::uint64_t done, std::optional<std::uint64_t> total);

/// Shows how far long work has come, on a terminal; draws nothing for the first half second and nothing at
/// all if nobody watches. The destructor wipes the line. Used by one thread.
class ProgressBar {
 public:
  ProgressBar(const Console& console, std::string what, std::optional<std::uint64_t> total = std::nullopt);
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar() { wipe(); }

  /// Cheap; may be called for every row.
  void show(std::uint64_t done) {
    if (_watched && done >= _next) draw(done);
  }
  /// Takes the bar off the screen, for other lines.
  void wipe();

 private:
  void draw(std::uint64_t done);

  const Console& _console;
  const std::string _what;
  const std::optional<std::uint64_t> _total;
  const bool _watched;
  std::uint64_t _next = 0;  ///< The clock is not asked before.
  std::chrono::steady_clock::time_point _due;
  std::size_t _width = 0;  ///< Of what is on the line.
};

}  // namespace p2::app
