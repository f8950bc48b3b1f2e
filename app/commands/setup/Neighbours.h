#pragma once

#include "p2/settings/Instance.h"
#include "p2/settings/Settings.h"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace p2::app {

/// The other p2 that have settings on this machine, as far as these can be read and are right. Immutable.
class Neighbours {
 public:
  /// Those whose settings are `files`; one that is not there is left out. Blocks on the disk.
  explicit Neighbours(const std::vector<std::filesystem::path>& files);
  /// All but `instance`. Blocks on the disk.
  static Neighbours of(const settings::Instance& instance);

  /// Where one more shall serve its pages: at the port of p2's default, or the next that no other has. The
  /// default is the plain one's, also before it has settings.
  std::string freeAddress() const;
  /// Why one more cannot have that name, without its stop; nothing if it can.
  std::optional<std::string> whyNotNamed(std::string_view jid) const;

 private:
  struct Neighbour {
    std::filesystem::path file;
    settings::Settings settings;
  };

  std::vector<Neighbour> _all;
};

}  // namespace p2::app
