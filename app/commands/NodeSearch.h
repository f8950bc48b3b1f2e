#pragma once

#include "p2/core/Result.h"
#include "p2/store/Registration.h"
#include "p2/store/Store.h"

#include <string>
#include <string_view>

namespace p2::app {

/// The registration with this node; or, since the log shows only the first characters of one, the only
/// registration whose node begins so (four characters at least). Error: there is none, or several.
core::Result<store::Registration> findByNode(const store::Store& store, std::string_view node);

}  // namespace p2::app
