#include "commands/setup/Neighbours.h"

#include "p2/settings/Keys.h"
#include "p2/settings/Loader.h"
#include "p2/xmpp/Jid.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace p2::app {

Neighbours::Neighbours(const std::vector<std::filesystem::path>& files) {
  for (const auto& file : files) {
    auto loaded = settings::load(file, {}, {}).settings;
    if (loaded) _all.push_back({file, std::move(*loaded)});
  }
}

Neighbours Neighbours::of(const settings::Instance& instance) {
  std::vector<std::filesystem::path> files{settings::Instance().file()};
  for (const auto& name : settings::Instance::namesIn()) {
    files.push_back(settings::Instance::named(name).value().file());
  }
  files.erase(std::remove(files.begin(), files.end(), instance.file()), files.end());
  return Neighbours(files);
}

std::string Neighbours::freeAddress() const {
  auto wanted = *settings::defaultSettings().http.listen;
  std::vector<std::uint16_t> taken{wanted.port};
  for (const auto& other : _all) {
    if (other.settings.http.listen) taken.push_back(other.settings.http.listen->port);
  }
  while (std::find(taken.begin(), taken.end(), wanted.port) != taken.end()) ++wanted.port;
  return wanted.host + ':' + std::to_string(wanted.port);
}

std::optional<std::string> Neighbours::whyNotNamed(std::string_view jid) const {
  const auto wanted = xmpp::comparableDomain(jid);
  for (const auto& other : _all) {
    if (xmpp::comparableDomain(other.settings.xmpp.jid) != wanted) continue;
    return other.settings.xmpp.jid + " is the name of " + settings::Instance::ofFile(other.file).unit() +
           " (" + other.file.string() + "); each p2 has one of its own";
  }
  return std::nullopt;
}

}  // namespace p2::app
