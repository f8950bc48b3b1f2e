#pragma once

#include "Changes.h"
#include "Tables.h"
#include "p2/store/Store.h"

#include <cstddef>
#include <span>

namespace p2::store {

/// Store::importAll() within a write transaction: writes nothing if the report has faults.
Applied<Store::ImportReport> importRows(Tables& tables, std::span<const Registration> rows);

/// What the rows may take in the file.
std::size_t importedBytes(std::span<const Registration> rows);

}  // namespace p2::store
