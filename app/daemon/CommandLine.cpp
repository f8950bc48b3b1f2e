#include "daemon/CommandLine.h"

#include <Poco/Exception.h>
#include <Poco/Util/HelpFormatter.h>
#include <Poco/Util/OptionProcessor.h>
#include <Poco/Util/OptionSet.h>

#include <sstream>

namespace p2::app {

core::Result<CommandLine> CommandLine::parse(int argc, const char* const* argv) {
  CommandLine line;
  const Poco::Util::OptionSet accepted = optionSet(options());
  Poco::Util::OptionProcessor processor(accepted);
  processor.setUnixStyle(true);
  try {
    for (int i = 1; i < argc; ++i) {
      std::string name;
      std::string value;
      if (!processor.process(argv[i], name, value)) {
        line.arguments.assign(argv + i, argv + argc);
        break;
      } else if (name == "config") {
        if (value.empty()) return core::Error{"--config names no file; p2 --help lists what there is"};
        line.config = std::filesystem::absolute(value);
      } else if (name == "help") {
        line.help = true;
      } else if (name == "version") {
        line.version = true;
      }
    }
    processor.checkRequired();
  } catch (const Poco::Exception& exception) {
    return core::Error{exception.displayText() + "; p2 --help lists what there is"};
  }
  return line;
}

std::vector<CommandOption> CommandLine::options() {
  return {kConfigOption,
          kHelpOption,
          {.name = "version", .argument = "", .meaning = "show the version and exit", .letter = "V"},
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
