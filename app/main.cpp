#include "commands/CommandTable.h"
#include "daemon/CommandLine.h"
#include "daemon/P2Application.h"
#include "p2/core/Version.h"
#include "p2/core/Words.h"
#include "p2/process/PrivateMemory.h"
#include "p2/process/RunningBinary.h"
#include "p2/process/Signals.h"
#include "p2/settings/Loader.h"

#include <poll.h>
#include <unistd.h>

#include <cstring>
#include <exception>
#include <iostream>
#include <string>
#include <sysexits.h>

namespace {

using namespace p2;
using namespace p2::app;

bool hasArgument(int argc, char** argv, const char* wanted) {
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], wanted) == 0) return true;
  }
  return false;
}

int serve(const CommandLine& commandLine, int argc, char** argv) {
  process::blockSignals();
  auto loaded = settings::load(commandLine.config, settings::settingsLocations(process::runningBinary()),
                               settings::processEnvironment());
  for (const auto& warning : loaded.warnings) std::cerr << "p2: " << core::afterColon(warning) << '\n';
  for (const auto& fault : loaded.faults) std::cerr << "p2: " << core::afterColon(fault) << '\n';
  if (!loaded.settings) return EX_CONFIG;

  P2Application application(commandLine, std::move(*loaded.settings), hasArgument(argc, argv, "--daemon"));
  process::explainUnreadablePages();  // Poco has just set a handler that aborts.
  return application.run(argc, argv);
}

/// Whether nobody reads what p2 writes any more, as after `p2 list | head`.
bool readerIsGone() {
  pollfd output{STDOUT_FILENO, POLLOUT, 0};
  return ::poll(&output, 1, 0) == 1 && (output.revents & (POLLERR | POLLHUP)) != 0;
}

int command(const CommandLine& commandLine) {
  std::ios::sync_with_stdio(false);  // a million lines on stdin, and faults of reading them are seen
  const auto isTerminal = [](int descriptor) { return ::isatty(descriptor) != 0; };
  Console console{std::cin,
                  std::cout,
                  std::cerr,
                  isTerminal(STDIN_FILENO),
                  isTerminal(STDERR_FILENO),
                  isTerminal(STDOUT_FILENO)};
  const int code = runCommand(commandLine.arguments, commandLine.config, console);
  std::cout.flush();
  if (std::cout.good() || code != EX_OK || readerIsGone()) return code;
  std::cerr << "p2: the output could not be written\n";
  return EX_IOERR;
}

int run(int argc, char** argv) {
  const auto commandLine = CommandLine::parse(argc, argv);
  if (!commandLine) {
    std::cerr << "p2: " << commandLine.error() << '\n';
    return EX_USAGE;
  }
  if (commandLine.value().help) {
    std::cout << CommandLine::helpText() << '\n' << commandList();
    return EX_OK;
  }
  if (commandLine.value().version) {
    std::cout << "p2 " << p2::core::kVersion << '\n';
    return EX_OK;
  }
  if (!commandLine.value().arguments.empty()) {
    return command(commandLine.value());
  }
  return serve(commandLine.value(), argc, argv);
}

}  // namespace

int main(int argc, char** argv) {
  p2::process::keepMemoryPrivate();
  p2::process::explainUnreadablePages();
  try {
    return run(argc, argv);
  } catch (const std::exception& exception) {
    std::cerr << "p2: " << exception.what() << '\n';
    return EX_SOFTWARE;
  }
}
