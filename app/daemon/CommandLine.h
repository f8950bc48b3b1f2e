#pragma once

#include "options/CommandOption.h"
#include "p2/core/Result.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace p2::app {

/// What the program was called with. A value.
struct CommandLine {
  std::optional<std::filesystem::path> config;  ///< Absolute.
  bool help = false;
  bool version = false;
  std::vector<std::string> arguments;  ///< The command and all that follows it, options too.

  /// The error is for a person at a terminal.
  static core::Result<CommandLine> parse(int argc, const char* const* argv);

  /// Poco's own options for servers included.
  static std::vector<CommandOption> options();
  /// How the program is called, without the commands.
  static std::string helpText();
};

}  // namespace p2::app
