#include "commands/SettingsCommand.h"

#include "p2/settings/Overview.h"

#include <array>
#include <ostream>
#include <sysexits.h>

namespace p2::app {

namespace {

constexpr CommandOption kChanged{"changed", "", "only those that do not have their default"};
constexpr std::array kOptions{kChanged};

constexpr std::string_view kDetails =
    "Shows the settings as the file and the environment have them together, in the form of p2.properties: "
    "each with what it is for, and with a # in front of those that have their default. Secrets are ***. A "
    "running daemon goes by what it has read: p2 check says whether that is the same.";

int run(const Invocation& invocation) {
  const auto settings = invocation.settings();
  if (!settings) return EX_CONFIG;
  auto& out = invocation.console.out;
  for (const auto& line : describe(*settings, invocation.instance())) {
    if (line.isDefault && invocation.has(kChanged.name)) continue;
    out << "# " << line.meaning << (line.live ? " (live)" : "") << '\n'
        << (line.isDefault ? "#" : "") << line.key << " =" << (line.value.empty() ? "" : " ") << line.value
        << '\n';
  }
  return EX_OK;
}

}  // namespace

Command settingsCommand() noexcept {
  return {"settings", {}, "show the settings in effect", kDetails, kOptions, run};
}

}  // namespace p2::app
