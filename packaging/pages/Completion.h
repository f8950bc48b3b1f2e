#pragma once

#include "Program.h"

#include <string>
#include <string_view>

/// What shells offer behind `p2`: options, commands, and what each of them takes. Pure.
namespace p2::pages {

/// To be sourced by bash. Names and words of the table stand in it as they are: letters, digits and dashes.
std::string bashCompletion(const Program& program);

/// For a directory of zsh's $fpath.
std::string zshCompletion(const Program& program);

/// One word of a shell, whatever is in it.
std::string shellWord(std::string_view text);

/// The text as a part of what _arguments and _describe of zsh take: a colon or a bracket ends nothing.
std::string zshText(std::string_view text);

}  // namespace p2::pages
