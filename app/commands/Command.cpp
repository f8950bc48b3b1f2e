#include "commands/Command.h"

#include "p2/core/Words.h"
#include "p2/process/RunningBinary.h"

#include <ostream>
#include <utility>

namespace p2::app {

std::string Invocation::value(std::string_view option) const {
  const auto found = options.find(option);
  return found == options.end() ? std::string() : found->second;
}

int Invocation::fail(int exitCode, std::string_view text) const {
  console.err << "p2 " << command << ": " << core::afterColon(std::string(text)) << '\n';
  return exitCode;
}

settings::Instance Invocation::instance() const {
  return config ? settings::Instance::ofFile(*config) : settings::Instance();
}

settings::LoadedSettings Invocation::loadSettings() const {
  return settings::load(config, settings::settingsLocations(process::runningBinary()),
                        settings::processEnvironment());
}

std::optional<settings::Settings> Invocation::settings() const {
  auto loaded = loadSettings();
  for (const auto& fault : loaded.faults) warn(fault);
  return std::move(loaded.settings);
}

std::optional<settings::Settings::Store> Invocation::storeSettings() const {
  if (has(kStoreOption.name)) return settings::Settings::Store{value(kStoreOption.name)};
  if (auto loaded = settings(); loaded) return std::move(loaded->store);
  warn("the settings must be right for this, or a store in LMDB be named with --store=DIRECTORY.");
  return std::nullopt;
}

}  // namespace p2::app
