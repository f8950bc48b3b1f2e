#pragma once

#include <string>

namespace p2::web {

/// The status page: one HTML document with all that it needs. Lives as long as the program.
const std::string& statusPage();

/// The Content-Security-Policy that lets that document's own style and script through and nothing else.
const std::string& statusPagePolicy();

}  // namespace p2::web
