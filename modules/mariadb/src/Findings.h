#pragma once

#include "Connection.h"
#include "Fault.h"
#include "Shape.h"

#include <cstdint>
#include <string>
#include <vector>

namespace p2::mariadb {

/// A change of rows that makes them say what p2 reads. A value.
struct Correction {
  std::string text;       ///< For the operator.
  std::string statement;  ///< Changes nothing where there is nothing to change.
};

/// What the rows of a reference table are like. A value.
struct Findings {
  std::uint64_t rows = 0;
  std::vector<Correction> corrections;
  std::vector<std::string> obstacles;
  std::vector<std::string> remarks;
};

/// Reads all rows of `target`, which has the columns of the reference service's first version at least.
Outcome<Findings> lookAtRows(Connection& connection, const Shape& target);

}  // namespace p2::mariadb
