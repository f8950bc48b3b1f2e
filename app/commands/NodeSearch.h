#pragma once

#include "p2/core/Result.h"
#include "p2/store/Registration.h"
#include "p2/store/Store.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace p2::app {

/// The registration with this node; or, since the log shows only the first characters of one, the only
/// registration whose node begins so (four characters at least). Error: there is none, or several.
core::Result<store::Registration> findByNode(const store::Store& store, std::string_view node);

/// Says that a search by domain cannot tell of so many registrations (`store.keepDomain`), and what finds
/// them.
std::string storedWithoutDomain(std::uint64_t count);

}  // namespace p2::app
