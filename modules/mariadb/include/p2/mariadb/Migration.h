#pragma once

#include "p2/core/Result.h"
#include "p2/mariadb/Options.h"

#include <functional>
#include <string>
#include <vector>

namespace p2::mariadb {

/// What makes a database p2's, in an operator's words, which show nothing of what is stored. A value.
struct MigrationPlan {
  std::vector<std::string> steps;  ///< One after the other; none: the tables fit as they are.
  /// What must be put right by hand before. While there is any, nothing is changed.
  std::vector<std::string> obstacles;
  std::vector<std::string> remarks;  ///< What goes on as it is, and the operator should know.
};

/// Looks at a database: one that is empty, has a table `target` of the reference service of any version, or
/// of p2. Changes nothing. Reads all rows, if the table must be widened. Errors as of Store::open(). Blocks.
core::Result<MigrationPlan> planMigration(const Options& options);

/// Does what the plan says, which is made anew. Each step is one statement, done or not, and whatever ends it
/// on its way, it can be run again. Each step's text is given to `onStep` before. The reference service works
/// on the table before, after and between the steps; it waits while the table is widened. Errors: obstacles,
/// and as of Store::open(). Blocks.
core::Result<void> migrate(const Options& options,
                           const std::function<void(const std::string& step)>& onStep);

}  // namespace p2::mariadb
