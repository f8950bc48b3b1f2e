#include "commands/ProgressBar.h"

#include "p2/core/Words.h"

#include <algorithm>
#include <ostream>
#include <utility>

namespace p2::app {

namespace {

constexpr std::chrono::milliseconds kQuiet{500};
constexpr std::chrono::milliseconds kInterval{100};
constexpr std::uint64_t kStep = 256;

}  // namespace

std::string renderProgress(const std::string& what, std::uint64_t done, std::optional<std::uint64_t> total) {
  constexpr std::uint64_t kCells = 30;
  if (!total || *total == 0) return what + "  " + core::grouped(done);
  const double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(*total));
  const auto full = static_cast<std::size_t>(share * static_cast<double>(kCells));
  return what + "  [" + std::string(full, '#') + std::string(kCells - full, '-') + "]  " +
         std::to_string(static_cast<int>(share * 100)) + " %";
}

ProgressBar::ProgressBar(const Console& console, std::string what, std::optional<std::uint64_t> total)
    : _console(console),
      _what(std::move(what)),
      _total(total),
      _watched(console.errIsTerminal),
      _due(std::chrono::steady_clock::now() + kQuiet) {}

void ProgressBar::wipe() {
  if (_width > 0) _console.err << '\r' << std::string(_width, ' ') << '\r' << std::flush;
  _width = 0;
}

void ProgressBar::draw(std::uint64_t done) {
  _next = done + kStep;
  const auto now = std::chrono::steady_clock::now();
  if (now < _due) return;
  _due = now + kInterval;
  const auto line = renderProgress(_what, done, _total);
  _console.err << '\r' << line << std::string(_width > line.size() ? _width - line.size() : 0, ' ')
               << std::flush;
  _width = std::max(_width, line.size());
}

}  // namespace p2::app
