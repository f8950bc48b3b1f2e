#include "CommandLine.h"
#include "P2Application.h"
#include "SettingsFile.h"
#include "Signals.h"
#include "p2/core/Version.h"

#include <cstring>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <sysexits.h>
#include <system_error>

namespace {

using namespace p2::app;

/// The running program's file, beside which p2.properties may lie.
std::filesystem::path binary() {
  std::error_code error;
  auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::filesystem::path("p2") : path;
}

bool hasArgument(int argc, char** argv, const char* wanted) {
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], wanted) == 0) return true;
  }
  return false;
}

int serve(const CommandLine& commandLine, int argc, char** argv) {
  blockSignals();
  auto loaded = load(commandLine.config, settingsLocations(binary()), processEnvironment());
  for (const auto& warning : loaded.warnings) std::cerr << "p2: " << warning << '\n';
  for (const auto& fault : loaded.faults) std::cerr << "p2: " << fault << '\n';
  if (!loaded.settings) return EX_CONFIG;

  P2Application application(commandLine, std::move(*loaded.settings), hasArgument(argc, argv, "--daemon"));
  return application.run(argc, argv);
}

int run(int argc, char** argv) {
  const auto commandLine = CommandLine::parse(argc, argv);
  if (!commandLine) {
    std::cerr << "p2: " << commandLine.error() << '\n';
    return EX_USAGE;
  }
  if (commandLine.value().help) {
    std::cout << CommandLine::helpText();
    return EX_OK;
  }
  if (commandLine.value().version) {
    std::cout << "p2 " << p2::core::kVersion << '\n';
    return EX_OK;
  }
  if (!commandLine.value().arguments.empty()) {
    std::cerr << "p2: there is no command \"" << commandLine.value().arguments.front()
              << "\"; p2 --help lists what there is\n";
    return EX_USAGE;
  }
  return serve(commandLine.value(), argc, argv);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& exception) {
    std::cerr << "p2: " << exception.what() << '\n';
    return EX_SOFTWARE;
  }
}
