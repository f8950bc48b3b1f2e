#pragma once

#include <Poco/Util/OptionSet.h>

#include <string>
#include <string_view>
#include <vector>

namespace p2::app {

/// What stands as an argument or an operand, for a shell that completes it.
enum class ArgumentKind {
  text,  ///< Nothing that a shell could know.
  file,
  directory,
  word,  ///< One of a list.
};

/// One option of the program or of a command. Immutable.
struct CommandOption {
  std::string_view name;      ///< Without the dashes.
  std::string_view argument;  ///< Its name in the help; empty: a switch.
  std::string_view meaning;   ///< Completes a line of the help.
  ArgumentKind kind = ArgumentKind::text;
  std::vector<std::string_view> (*words)() = nullptr;  ///< For a word: those that there are.
  std::string_view letter = {};                        ///< Its short form; empty: none.
};

/// The options that the program takes before a command, and each command behind it.
inline constexpr CommandOption kConfigOption{.name = "config",
                                             .argument = "FILE",
                                             .meaning = "the settings file, instead of /etc/p2/p2.properties",
                                             .kind = ArgumentKind::file,
                                             .letter = "c"};
inline constexpr CommandOption kHelpOption{
    .name = "help", .argument = "", .meaning = "show this help and exit", .letter = "h"};

/// What it is for, with the words if it takes one of a list.
std::string meaningOf(const CommandOption& option);

/// `a, b or c`
std::string alternatives(const std::vector<std::string_view>& words);

/// For Poco, which takes the words of a call apart and prints help.
Poco::Util::OptionSet optionSet(const std::vector<CommandOption>& options);

}  // namespace p2::app
