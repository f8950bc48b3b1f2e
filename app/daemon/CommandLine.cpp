#include "daemon/CommandLine.h"

#include "options/OptionReader.h"
#include "p2/core/FileKind.h"

#include <Poco/Util/HelpFormatter.h>
#include <Poco/Util/OptionSet.h>
#include <fcntl.h>
#include <unistd.h>

#include <sstream>
#include <system_error>

namespace p2::app {

namespace {

constexpr CommandOption kVersion{
    .name = "version", .argument = "", .meaning = "show the version and exit", .letter = "V"};

constexpr CommandOption kDaemon{"daemon", "",
                                "run in the background and log to syslog; not needed with a service manager"};
constexpr CommandOption kPidFile{"pidfile", "FILE", "write the process id to this file", ArgumentKind::file};
constexpr CommandOption kUmask{"umask", "MASK", "the daemon's umask, in octal"};

core::Error wrongUse(const std::string& fault) {
  return {withAdvice(fault, "p2 --help lists what there is")};
}

/// Poco takes any number of digits, and ends the program for what is none.
core::Result<void> checkUmask(const std::string& value) {
  constexpr std::size_t kMostDigits = 4;
  if (value.size() <= kMostDigits && value.find_first_not_of("01234567") == std::string::npos) return {};
  return core::Error{"--umask=" + value + " is not an octal number of up to four digits, such as 027"};
}

/// Poco would find it when the daemon is in the background already.
core::Result<void> checkPidFile(const std::string& value) {
  const auto cannot = [&](const std::string& remedy) {
    return core::Error{"--pidfile=" + value + " cannot be written: " + remedy};
  };
  const auto file = std::filesystem::absolute(value);
  const auto directory = file.parent_path();
  std::error_code ignored;
  if (core::isDirectory(file)) return cannot("it is a directory; name a file in it");
  if (!core::isDirectory(directory)) return cannot("create its directory");
  const auto& written = std::filesystem::exists(file, ignored) ? file : directory;
  if (::faccessat(AT_FDCWD, written.c_str(), W_OK, AT_EACCESS) == 0) return {};
  return cannot("give " + written.string() + " to the user that p2 runs as, or name another file");
}

/// What Poco acts upon, and would tell of in its own words.
core::Result<void> checkForPoco(const OptionReader::Given& option) {
  if (option.name == kUmask.name) return checkUmask(option.value);
  if (option.name == kPidFile.name) return checkPidFile(option.value);
  return {};
}

}  // namespace

core::Result<CommandLine> CommandLine::parse(int argc, const char* const* argv) {
  CommandLine line;
  OptionReader reader(options());
  for (int i = 1; i < argc; ++i) {
    const auto taken = reader.take(argv[i]);
    if (!taken) return wrongUse(taken.error());
    const auto& option = taken.value();
    if (!option) {
      line.arguments.assign(argv + i, argv + argc);
      break;
    }
    if (option->name == kConfigOption.name) line.config = std::filesystem::absolute(option->value);
    line.help = line.help || option->name == kHelpOption.name;
    line.version = line.version || option->name == kVersion.name;
    if (const auto fine = checkForPoco(*option); !fine) return core::Error{fine.error()};
  }
  if (const auto whole = reader.end(); !whole) return wrongUse(whole.error());
  return line;
}

std::vector<CommandOption> CommandLine::options() {
  return {kConfigOption, kHelpOption, kVersion, kDaemon, kPidFile, kUmask};
}

std::string CommandLine::helpText() {
  const Poco::Util::OptionSet set = optionSet(options());
  Poco::Util::HelpFormatter formatter(set);
  formatter.setUnixStyle(true);
  formatter.setCommand("p2");
  formatter.setUsage("[OPTION...] [COMMAND]");
  formatter.setHeader(
      "The push proxy for XMPP: wakes phones through Firebase Cloud Messaging when an XMPP server publishes "
      "to them (XEP-0357). Runs in the foreground until it is told to stop.");
  formatter.setFooter(
      "SIGTERM ends it after the pushes in hand, SIGHUP makes it read its settings again. Exit codes are "
      "those of sysexits.h: 64 wrong use, 73 the store cannot be opened, 78 wrong settings.");
  std::ostringstream text;
  formatter.format(text);
  return text.str();
}

}  // namespace p2::app
