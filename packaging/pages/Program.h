#pragma once

#include "commands/Command.h"

#include <span>
#include <vector>

namespace p2::pages {

/// What the pages and completions are made of.
struct Program {
  std::vector<app::CommandOption> options;  ///< Those before a command.
  std::span<const app::Command> commands;
};

}  // namespace p2::pages
