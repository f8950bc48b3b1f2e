#pragma once

#include "Connection.h"
#include "Fault.h"
#include "Records.h"
#include "p2/store/RegistrationStore.h"

#include <cstddef>
#include <string>
#include <vector>

namespace p2::mariadb {

/// Rows of a walk that are read at once: some megabytes at most, and a few milliseconds.
inline constexpr std::size_t kPageRows = 1000;

/// The rows that come after `node`, in the order of the nodes; the last page has fewer than kPageRows.
Outcome<std::vector<Record>> readPage(Connection& connection, const std::string& node);
/// Whether the table has rows.
Outcome<bool> readHoldsAny(Connection& connection);
/// How many rows there are, and what they take. Counts them.
Outcome<store::RegistrationStore::Statistics> readStatistics(Connection& connection);

}  // namespace p2::mariadb
