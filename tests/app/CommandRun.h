#pragma once

#include "commands/CommandTable.h"

#include <filesystem>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace p2::test {

/// What a command is called with beside its words.
struct CommandInput {
  std::optional<std::filesystem::path> config =
      std::nullopt;  ///< the settings' file, as `p2 --config` names it
  std::string text = {};
  bool inIsTerminal = false;
  bool outIsTerminal = false;
};

struct CommandResult {
  int code;
  std::string out;
  std::string err;
};

/// Runs `p2 <words>`.
inline CommandResult run(const std::vector<std::string>& words, const CommandInput& input = {}) {
  std::istringstream in(input.text);
  std::ostringstream out;
  std::ostringstream err;
  app::Console console{in, out, err, input.inIsTerminal};
  console.outIsTerminal = input.outIsTerminal;
  const int code = app::runCommand(words, input.config, console);
  return {code, out.str(), err.str()};
}

}  // namespace p2::test
