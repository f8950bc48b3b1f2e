#pragma once

#include "commands/Command.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace p2::app {

/// All commands, in the order of the help.
std::span<const Command> commands() noexcept;

/// The command of that name, or nullptr.
const Command* findCommand(std::string_view name) noexcept;

/// Its own options, and those that each command takes.
std::vector<CommandOption> optionsOf(const Command& command);

/// `[@NAME] [OPTION...] [FILE]`: what may stand behind its name.
std::string usageOf(const Command& command);

/// One line for each command.
std::string commandList();

/// What `p2 COMMAND --help` prints.
std::string helpText(const Command& command);

/// Runs what `words` say: a command and what belongs to it. `config` is the `--config` that stood before.
/// Gives an exit code of sysexits.h.
int runCommand(const std::vector<std::string>& words, std::optional<std::filesystem::path> config,
               Console& console);

}  // namespace p2::app
