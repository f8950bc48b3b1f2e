#include "daemon/CommandLine.h"

#include "options/OptionReader.h"

#include <Poco/Util/HelpFormatter.h>
#include <Poco/Util/OptionSet.h>

#include <sstream>

namespace p2::app {

namespace {

constexpr CommandOption kVersion{
    .name = "version", .argument = "", .meaning = "show the version and exit", .letter = "V"};

core::Error wrongUse(const std::string& fault) {
  return {withAdvice(fault, "p2 --help lists what there is")};
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
  }
  if (const auto whole = reader.end(); !whole) return wrongUse(whole.error());
  return line;
}

std::vector<CommandOption> CommandLine::options() {
  return {kConfigOption,
          kHelpOption,
          kVersion,
          {"daemon", "", "run in the background and log to syslog; not needed with a service manager"},
          {"pidfile", "FILE", "write the process id to this file", ArgumentKind::file},
          {"umask", "MASK", "the daemon's umask, in octal"}};
}

std::string CommandLine::helpText() {
  const Poco::Util::OptionSet set = optionSet(options());
  Poco::Util::HelpFormatter formatter(set);
  formatter.setUnixStyle(true);
  formatter.setCommand("p2");
  formatter.setUsage("[OPTION...] [COMMAND...]");
  formatter.setHeader(
      "The push proxy for XMPP: wakes phones through Firebase Cloud Messaging when an XMPP server publishes "
      "to them "
      "(XEP-0357). Runs in the foreground until it is told to stop.");
  formatter.setFooter(
      "SIGTERM ends it after the pushes in hand, SIGHUP makes it read its settings again. Exit codes are "
      "those of "
      "sysexits.h: 64 wrong use, 73 the store cannot be opened, 78 wrong settings.");
  std::ostringstream text;
  formatter.format(text);
  return text.str();
}

}  // namespace p2::app
