#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace p2::app {

/// A library that the program runs with.
struct LinkedLibrary {
  std::string_view name;
  std::string version;  ///< As the library itself says it, when it is asked.
};

/// What p2 uses directly, and where all is linked in (P2_STATIC) what those use as well. Thread-safe.
std::vector<LinkedLibrary> linkedLibraries();

}  // namespace p2::app
