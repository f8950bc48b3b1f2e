#pragma once

#include "Program.h"
#include "p2/core/Result.h"

#include <string>
#include <string_view>

/// p2(8): its own text, and what the program says of its options and commands. Pure.
namespace p2::pages {

/// The text as it stands between requests: each character means itself, and no line is a request.
std::string roff(std::string_view text);

/// Puts the program's options and commands in the place of the lines `.\" OPTIONS` and `.\" COMMANDS`. Error:
/// one of them is not there.
core::Result<std::string> manPage(const std::string& text, const Program& program);

}  // namespace p2::pages
