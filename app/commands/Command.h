#pragma once

#include "p2/settings/Loader.h"

#include <cstddef>
#include <filesystem>
#include <iosfwd>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace p2::app {

/// Where a command reads and writes. A test puts strings here.
struct Console {
  std::istream& in;
  std::ostream& out;           ///< What was asked for.
  std::ostream& err;           ///< What went wrong, and progress.
  bool inIsTerminal = false;   ///< Somebody is there to be asked.
  bool errIsTerminal = false;  ///< Somebody watches: progress bars are drawn.
  bool outIsTerminal = false;  ///< Lists have headings.
};

/// One option of a command. Immutable.
struct CommandOption {
  std::string_view name;      ///< Without the dashes.
  std::string_view argument;  ///< Its name in the help; empty: a switch.
  std::string_view meaning;   ///< Completes a line of the help.
};

/// One call of a command, its options taken apart. A value.
struct Invocation {
  Console& console;
  std::string command = {};
  std::optional<std::filesystem::path> config = {};
  std::map<std::string, std::string, std::less<>> options = {};  ///< Those that were given.
  std::vector<std::string> operands = {};

  bool has(std::string_view option) const { return options.find(option) != options.end(); }
  /// The option's value, or empty.
  std::string value(std::string_view option) const;
  /// Writes `p2 COMMAND: TEXT` to the error stream, and gives `exitCode`.
  int fail(int exitCode, std::string_view text) const;
  void warn(std::string_view text) const { (void)fail(0, text); }

  /// The settings as the daemon would read them; blocks on the disk.
  settings::LoadedSettings loadSettings() const;
  /// The same, with every fault written to the error stream.
  std::optional<settings::Settings> settings() const;
  /// `--store` with defaults if given, else what the settings say of the store; nothing if there are faults,
  /// which have been written.
  std::optional<settings::Settings::Store> storeSettings() const;
  /// Its path alone.
  std::optional<std::filesystem::path> storePath() const;
};

/// A command of the program. Immutable.
struct Command {
  std::string_view name;
  std::string_view operands;  ///< For the usage line: `[FILE]`.
  std::size_t leastOperands = 0;
  std::size_t mostOperands = 0;
  std::string_view summary;  ///< One line, for the list.
  std::string_view details;  ///< For its own help.
  std::span<const CommandOption> options;
  /// Gives an exit code of sysexits.h.
  int (*run)(const Invocation& invocation) = nullptr;
};

/// The option that commands take which need only the store.
inline constexpr CommandOption kStoreOption{"store", "DIRECTORY",
                                            "the store, instead of the one that the settings name"};

}  // namespace p2::app
