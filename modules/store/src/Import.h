#pragma once

#include "Environment.h"
#include "p2/core/Result.h"
#include "p2/store/ImportSource.h"
#include "p2/store/Store.h"

namespace p2::store {

/// Store::importRows(). `keepDomain`: whether the rows keep their domains. REQUIRES: nobody else changes the
/// store meanwhile.
core::Result<Store::ImportReport> importRows(Environment& store, ImportSource& source, bool keepDomain);

}  // namespace p2::store
