#pragma once

#include "p2/core/Result.h"
#include "p2/mariadb/Options.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace p2::mariadb {

/// Reads the table `target` of a reference service of any version, or of p2, row by row, as it is at one
/// moment and in bounded memory. Used by one thread.
class TableReader {
 public:
  /// What stands in one row; nothing for NULL.
  using Fields = std::vector<std::optional<std::string>>;

  /// Connects and asks for all rows, in the order of `binary node`. Errors as of Store::openReadOnly(), but
  /// that the table need have no more than one column that is known. Blocks; the user needs `select` alone.
  static core::Result<std::unique_ptr<TableReader>> open(const Options& options);

  TableReader(const TableReader&) = delete;
  TableReader& operator=(const TableReader&) = delete;
  /// Blocks until the rows that were not asked for have gone by.
  ~TableReader();

  /// The names of those columns that the reference service or p2 knows, in the order of Fields. Where the
  /// reference service has changed a row that p2 has written, `kind` and `renewed` are what that makes them.
  const Fields& columns() const;
  /// The next row; nothing at the end. An error if the connection is lost. Blocks.
  core::Result<std::optional<Fields>> next();

 private:
  class Impl;

  explicit TableReader(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> _impl;
};

}  // namespace p2::mariadb
