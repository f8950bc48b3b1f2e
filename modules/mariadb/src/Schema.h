#pragma once

#include "Connection.h"
#include "Fault.h"
#include "Records.h"
#include "p2/store/ServiceTime.h"

namespace p2::mariadb {

/// Makes the tables if there is none; what is there stays as it is.
MaybeFault createMissingTables(Connection& connection);
/// A fault that names what the tables lack, if they do.
MaybeFault checkTables(Connection& connection);

/// Who changes it, or removes what it says is overdue, locks it first: others store it as well.
Outcome<store::ServiceTime> readServiceTime(Connection& connection, Lock lock = Lock::none);
MaybeFault writeServiceTime(Connection& connection, const store::ServiceTime& time);

}  // namespace p2::mariadb
