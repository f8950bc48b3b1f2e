#include "commands/CommandTable.h"

#include "commands/BackupCommand.h"
#include "commands/ExportCommand.h"
#include "commands/ForgetCommand.h"
#include "commands/ImportCommand.h"
#include "commands/ListCommand.h"
#include "commands/MigrateCommand.h"
#include "commands/PushCommand.h"
#include "commands/SettingsCommand.h"
#include "commands/VersionCommand.h"
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
#include <system_error>
#include <utility>

namespace p2::app {

namespace {

const std::array kCommands{setupCommand(),  checkCommand(),  settingsCommand(), statusCommand(),
                           listCommand(),   pushCommand(),   forgetCommand(),   importCommand(),
                           exportCommand(), backupCommand(), migrateCommand(),  versionCommand()};

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

/// Takes `@NAME` from the front of the operands: the settings of one of several p2. Nothing: it is not there.
core::Result<std::optional<settings::Instance>> takeInstance(Invocation& invocation) {
  auto& operands = invocation.operands;
  if (operands.empty() || !operands.front().starts_with('@')) return std::optional<settings::Instance>();
  auto named = settings::Instance::named(operands.front().substr(1));
  if (!named) return core::Error{named.error()};
  if (invocation.config)
    return core::Error{"--config and " + operands.front() + " both name settings: give one of them"};
  operands.erase(operands.begin());
  invocation.config = named.value().file();
  return std::optional(std::move(named).value());
}

/// `there is no p2 @shp, as /etc/p2/shp.properties does not exist; there are @shop and @work.`
int noSuchInstance(const Invocation& invocation, const settings::Instance& wanted) {
  std::string list;
  const auto names = settings::Instance::namesIn();
  for (const auto& name : names)
    list += (list.empty() ? "@" : name == names.back() ? " and @" : ", @") + name;
  if (list.empty()) {
    list = "nor any other: " + wanted.call("setup") + " makes it";
  } else {
    list = (names.size() > 1 ? "there are " : "there is ") + list;
  }
  return invocation.fail(EX_CONFIG, "there is no " + wanted.unit() + ", as " + wanted.file().string() +
                                        " does not exist; " + list + '.');
}

bool isThere(const settings::Instance& instance) {
  std::error_code unknown;
  return std::filesystem::exists(instance.file(), unknown) || unknown;
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
  if (name.starts_with('@')) {
    console.err << "p2: " << name << " stands behind a command, as in \"p2 check " << name
                << "\"; without one give --config=FILE\n";
    return EX_USAGE;
  }
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
  const std::string first = "[@NAME] [OPTION...]";
  if (name.empty()) return first;
  return first + ' ' + (command.operands.least > 0 ? name : '[' + name + ']');
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
  formatter.setFooter(
      "@NAME: one of several p2 on this machine, with the settings /etc/p2/NAME.properties and the unit "
      "p2@NAME (p2-guide(7)).");
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
  const auto instance = takeInstance(invocation);
  if (!instance) return wrongUse(invocation, instance.error());
  if (const auto fault = operandFault(*command, invocation.operands); !fault.empty()) {
    return wrongUse(invocation, fault);
  }
  if (instance.value() && !command->makesSettings && !isThere(*instance.value())) {
    return noSuchInstance(invocation, *instance.value());
  }
  return command->run(invocation);
}

}  // namespace p2::app
