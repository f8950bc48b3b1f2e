#pragma once

#include "p2/core/Result.h"
#include "p2/store/Registration.h"

#include <optional>
#include <string>
#include <string_view>

/// A registration as one line of JSON: what `p2 export` writes and `p2 import` reads. Pure.
namespace p2::transfer {

/// One object without a line end, with everything that the store has, secrets included.
std::string toJsonLine(const store::Registration& registration);

/// Reads it; times that are not there are unset, kind may be left out, any member that is not known is an
/// error. Error as of TableDump::row.
core::Result<store::Registration> fromJsonLine(const std::string& line);

}  // namespace p2::transfer
