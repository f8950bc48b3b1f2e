#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace p2::settings {

/// Puts values into the text of a p2.properties: in the place of `key = …`, also where that is a comment that
/// shows the default; the comments around it stay. A key that is not there is added at the end. Pure.
std::string fillIn(std::string_view text, const std::vector<std::pair<std::string, std::string>>& values);

}  // namespace p2::settings
