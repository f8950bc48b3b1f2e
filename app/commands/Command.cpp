#include "commands/Command.h"

#include <ostream>
#include <system_error>
#include <utility>

namespace p2::app {

std::string Invocation::value(std::string_view option) const {
  const auto found = options.find(option);
  return found == options.end() ? std::string() : found->second;
}

int Invocation::fail(int exitCode, std::string_view text) const {
  console.err << "p2 " << command << ": " << text << '\n';
  return exitCode;
}

LoadedSettings Invocation::loadSettings() const {
  return load(config, settingsLocations(runningBinary()), processEnvironment());
}

std::optional<Settings> Invocation::settings() const {
  auto loaded = loadSettings();
  for (const auto& fault : loaded.faults) warn(fault);
  return std::move(loaded.settings);
}

std::optional<std::filesystem::path> Invocation::storePath() const {
  const auto store = storeSettings();
  if (!store) return std::nullopt;
  return store->path;
}

std::optional<Settings::Store> Invocation::storeSettings() const {
  if (has(kStoreOption.name)) {
    if (const auto path = value(kStoreOption.name); !path.empty()) return Settings::Store{path};
    warn("--store names no directory.");
    return std::nullopt;
  }
  if (auto loaded = settings(); loaded) return std::move(loaded->store);
  warn("the settings must be right for this, or the store be named with --store=DIRECTORY.");
  return std::nullopt;
}

std::filesystem::path runningBinary() {
  std::error_code error;
  auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::filesystem::path("p2") : path;
}

}  // namespace p2::app
