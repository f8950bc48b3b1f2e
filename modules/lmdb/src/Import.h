#pragma once

#include "Environment.h"
#include "p2/core/Result.h"
#include "p2/lmdb/Store.h"
#include "p2/store/ImportSource.h"

namespace p2::lmdb {

/// Store::importRows(). `keepDomain`: whether the rows keep their domains. REQUIRES: nobody else changes the
/// store meanwhile.
core::Result<Store::ImportReport> importRows(Environment& store, store::ImportSource& source,
                                             bool keepDomain);

}  // namespace p2::lmdb
