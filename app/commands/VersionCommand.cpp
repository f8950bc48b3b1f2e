#include "commands/VersionCommand.h"

#include "links/LinkedLibraries.h"
#include "p2/core/Version.h"

#include <ostream>
#include <sysexits.h>

namespace p2::app {

namespace {

constexpr std::string_view kDetails =
    "Shows p2's version, as --version does, and those of the libraries that it runs with, as they say it "
    "themselves. In the packages that need nothing but the C library these are all that are linked in; "
    "whoever reports a fault, or has read of a hole in one of them, finds here which it is.";

int run(const Invocation& invocation) {
  auto& out = invocation.console.out;
  out << "p2 " << core::kVersion << '\n';
  for (const auto& library : linkedLibraries()) out << library.name << ' ' << library.version << '\n';
  return EX_OK;
}

}  // namespace

Command versionCommand() noexcept {
  return {"version", {}, "show the version, and what p2 runs with", kDetails, {}, run};
}

}  // namespace p2::app
