#pragma once

#include "Connection.h"
#include "Fault.h"
#include "p2/core/Result.h"
#include "p2/store/ImportSource.h"
#include "p2/store/RegistrationArchive.h"

namespace p2::mariadb {

/// What RegistrationArchive::importRows() does, over a connection that nothing else uses meanwhile: the rows
/// wait in a temporary table until the source has confirmed them. A fault of the source's is `refused`, with
/// its text.
Outcome<store::RegistrationArchive::ImportReport> importRows(Connection& connection,
                                                             store::ImportSource& source, bool keepDomain);

}  // namespace p2::mariadb
