#include "commands/CommandTable.h"

#include "commands/BackupCommand.h"
#include "commands/ExportCommand.h"
#include "commands/ForgetCommand.h"
#include "commands/ImportCommand.h"
#include "commands/ListCommand.h"
#include "commands/MigrateCommand.h"
#include "commands/PushCommand.h"
#include "commands/SettingsCommand.h"
#include "commands/check/CheckCommand.h"
#include "commands/setup/SetupCommand.h"
#include "commands/status/StatusCommand.h"
#include "options/OptionReader.h"

#include <Poco/Util/HelpFormatter.h>
#include <Poco/Util/OptionSet.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <ostream>
#include <sstream>
#include <sysexits.h>
#include <utility>

namespace p2::app {

namespace {

const std::array kCommands{setupCommand(),  checkCommand(),  settingsCommand(), statusCommand(),
                           listCommand(),   pushCommand(),   forgetCommand(),   importCommand(),
                           exportCommand(), backupCommand(), migrateCommand()};

/// Takes the words after the command apart.
core::Result<void> parseWords(const Command& command, const std::vector<std::string>& words,
                              Invocation& invocation) {
  OptionReader reader(optionsOf(command));
  for (std::size_t i = 1; i < words.size(); ++i) {
    const auto taken = reader.take(words[i]);
    if (!taken) return core::Error{taken.error()};
    const auto& option = taken.value();
    if (!option) {
      invocation.operands.push_back(words[i]);
    } else if (option->name == kConfigOption.name) {
      invocation.config = std::filesystem::absolute(option->value);
    } else if (!option->name.empty()) {
      invocation.options[option->name] = option->value;
    }
  }
  return reader.end();
}

std::string operandFault(const Command& command, const std::vector<std::string>& given) {
  if (given.size() < command.operands.least) return std::string(command.operands.name) + " is missing";
  if (given.size() > command.operands.most) return "there are more arguments than it takes";
  // As a script has it whose variable is not set.
  if (std::find(given.begin(), given.end(), "") != given.end()) return "an argument is empty";
  return {};
}

int wrongUse(const Invocation& invocation, const std::string& fault) {
  return invocation.fail(EX_USAGE, withAdvice(fault, "p2 " + invocation.command + " --help explains it"));
}

int noSuchCommand(std::string_view name, Console& console) {
  std::vector<std::string_view> known;
  known.reserve(kCommands.size());
  for (const auto& command : kCommands) known.push_back(command.name);
  const auto text = "there is no command \"" + std::string(name) + '"' + didYouMean(name, known);
  console.err << "p2: " << withAdvice(text, "p2 --help lists what there is") << '\n';
  return EX_USAGE;
}

}  // namespace

std::span<const Command> commands() noexcept {
  return kCommands;
}

const Command* findCommand(std::string_view name) noexcept {
  const auto* const found = std::find_if(kCommands.begin(), kCommands.end(),
                                         [&](const Command& command) { return command.name == name; });
  return found == kCommands.end() ? nullptr : found;
}

std::vector<CommandOption> optionsOf(const Command& command) {
  std::vector<CommandOption> options(command.options.begin(), command.options.end());
  options.push_back(kConfigOption);
  options.push_back(kHelpOption);
  return options;
}

std::string usageOf(const Command& command) {
  const std::string name(command.operands.name);
  if (name.empty()) return "[OPTION...]";
  return "[OPTION...] " + (command.operands.least > 0 ? name : '[' + name + ']');
}

std::string commandList() {
  std::size_t longest = 0;
  for (const auto& command : kCommands) longest = std::max(longest, command.name.size());
  std::string text = "Commands (p2 COMMAND --help explains one; without a command p2 serves):\n";
  for (const auto& command : kCommands) {
    text += "  " + std::string(command.name) + std::string(longest + 2 - command.name.size(), ' ') +
            std::string(command.summary) + '\n';
  }
  return text;
}

std::string helpText(const Command& command) {
  const Poco::Util::OptionSet set = optionSet(optionsOf(command));
  Poco::Util::HelpFormatter formatter(set);
  formatter.setUnixStyle(true);
  formatter.setCommand("p2 " + std::string(command.name));
  formatter.setUsage(usageOf(command));
  formatter.setHeader(std::string(command.details));
  std::ostringstream text;
  formatter.format(text);
  return text.str();
}

int runCommand(const std::vector<std::string>& words, std::optional<std::filesystem::path> config,
               Console& console) {
  const Command* const command = findCommand(words.front());
  if (command == nullptr) return noSuchCommand(words.front(), console);
  Invocation invocation{console, std::string(command->name), std::move(config)};
  if (const auto parsed = parseWords(*command, words, invocation); !parsed) {
    return wrongUse(invocation, parsed.error());
  }
  if (invocation.has("help")) {
    console.out << helpText(*command);
    return EX_OK;
  }
  if (const auto fault = operandFault(*command, invocation.operands); !fault.empty()) {
    return wrongUse(invocation, fault);
  }
  return command->run(invocation);
}

}  // namespace p2::app
