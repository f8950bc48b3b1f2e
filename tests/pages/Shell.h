#pragma once

#include "Program.h"
#include "commands/CommandTable.h"
#include "daemon/CommandLine.h"
#include "support/TemporaryDirectory.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

namespace p2::test {

/// p2 as it is.
inline pages::Program program() {
  return {app::CommandLine::options(), app::commands()};
}

/// What a shell prints, on stderr too, that is given this script in this directory.
inline std::string outputOf(const std::string& shell, const std::string& script,
                            const std::filesystem::path& directory) {
  std::ofstream(directory / "script") << script;
  const std::string call = "cd '" + directory.string() + "' && " + shell + " script 2>&1";
  std::string output;
  FILE* const pipe = ::popen(call.c_str(), "r");
  if (pipe == nullptr) return "popen failed";
  for (int byte = std::fgetc(pipe); byte != EOF; byte = std::fgetc(pipe)) output += static_cast<char>(byte);
  const int status = ::pclose(pipe);
  return status == 0 ? output : output + "[status " + std::to_string(status) + ']';
}

/// Whether the machine has the program.
inline bool isHere(const std::string& program) {
  const TemporaryDirectory directory;
  return !outputOf("sh", "command -v " + program + " || true", directory.path()).empty();
}

}  // namespace p2::test
