#pragma once

#include "Connection.h"
#include "Fault.h"
#include "p2/store/ServiceTime.h"

namespace p2::mariadb {

/// Makes the tables if there is none; what is there stays as it is.
MaybeFault createMissingTables(Connection& connection);
/// A fault that names what the tables lack, if they do.
MaybeFault checkTables(Connection& connection);

Outcome<store::ServiceTime> readServiceTime(Connection& connection);
MaybeFault writeServiceTime(Connection& connection, const store::ServiceTime& time);

}  // namespace p2::mariadb
