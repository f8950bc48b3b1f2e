#pragma once

#include "options/CommandOption.h"
#include "p2/settings/Instance.h"
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

  /// Whose settings are meant.
  settings::Instance instance() const;
  /// The settings as the daemon would read them; blocks on the disk.
  settings::LoadedSettings loadSettings() const;
  /// The same, with every fault written to the error stream.
  std::optional<settings::Settings> settings() const;
  /// `--store` with defaults if given, else what the settings say of the store; nothing if there are faults,
  /// which have been written.
  std::optional<settings::Settings::Store> storeSettings() const;
};

/// What a command takes beside its options. Immutable.
struct Operands {
  std::string_view name = {};  ///< In the help; empty: there are none.
  ArgumentKind kind = ArgumentKind::text;
  std::size_t least = 0;
  std::size_t most = 0;
};

/// A command of the program: all that its help, p2(8) and the completions say of it. Immutable.
struct Command {
  std::string_view name;
  Operands operands;
  std::string_view summary;  ///< One line, for the list.
  std::string_view details;  ///< Whole sentences, for its own help and for p2(8).
  std::span<const CommandOption> options;
  /// Gives an exit code of sysexits.h.
  int (*run)(const Invocation& invocation) = nullptr;
  bool makesSettings = false;  ///< Else those of an `@NAME` must be there.
};

/// The option that commands take which need only the store.
inline constexpr CommandOption kStoreOption{
    "store", "DIRECTORY", "the store, instead of the one that the settings name", ArgumentKind::directory};

}  // namespace p2::app
