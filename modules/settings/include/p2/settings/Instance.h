#pragma once

#include "p2/core/Result.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace p2::settings {

/// One p2 of those that serve on a machine: the plain one, or one of several, each with a NAME, which
/// commands take as `@NAME`. Here, and only here, the program knows what belongs to which; the units
/// p2.service and p2@.service say the same. Immutable.
class Instance {
 public:
  /// Where the settings of all of them are.
  static constexpr const char* kDirectory = "/etc/p2";
  /// The plain one's store.
  static constexpr std::string_view kStore = "/var/lib/p2";

  /// The plain one.
  Instance() = default;

  /// The one of that name. Error: why there can be none; a whole sentence without its stop. Pure.
  static core::Result<Instance> named(std::string_view name);
  /// The one whose settings `file` is: NAME's for /etc/p2/NAME.properties, else the plain one. Pure.
  static Instance ofFile(const std::filesystem::path& file);
  /// The names of those that have settings in `directory`, in order. Blocks on the disk.
  static std::vector<std::string> namesIn(const std::filesystem::path& directory = kDirectory);

  bool isPlain() const noexcept { return _name.empty(); }
  /// The settings: /etc/p2/p2.properties, /etc/p2/NAME.properties.
  std::filesystem::path file() const;
  /// Where the registrations and the control socket are unless `store.path` says otherwise: /var/lib/p2,
  /// /var/lib/p2-NAME.
  std::filesystem::path store() const;
  /// The user, and its group, as whom it serves: p2, p2-NAME.
  std::string user() const;
  /// For systemctl, and the name in a log: p2, p2@NAME.
  std::string unit() const;
  /// How its commands begin: `p2 check`, `p2 check @NAME`.
  std::string call(std::string_view command) const;

 private:
  explicit Instance(std::string name) : _name(std::move(name)) {}

  std::string _name;
};

}  // namespace p2::settings
