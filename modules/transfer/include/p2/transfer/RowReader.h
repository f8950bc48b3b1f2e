#pragma once

#include "p2/core/Result.h"
#include "p2/store/Registration.h"
#include "p2/transfer/LineFaults.h"

#include <cstdint>
#include <functional>
#include <optional>

namespace p2::transfer {

/// Where the rows of an import are read. Used by one thread at a time.
class RowReader {
 public:
  struct Row {
    store::Registration registration;  ///< Its times are unset if the row does not say them.
    std::uint64_t line = 0;
  };

  /// Called with the number of each line, before it is read as a row.
  using OnLine = std::function<void(std::uint64_t line)>;

  RowReader() = default;
  RowReader(const RowReader&) = delete;
  RowReader& operator=(const RowReader&) = delete;
  virtual ~RowReader() = default;

  /// Reads what the rows are like. Error: they are no registrations. Blocks; to be called first.
  virtual core::Result<void> begin(LineFaults& faults) = 0;
  /// The next row that is one; nothing at the end. What is wrong with those before it goes into `faults`.
  /// Error: what is left cannot be read. Blocks.
  virtual core::Result<std::optional<Row>> next(LineFaults& faults) = 0;
};

}  // namespace p2::transfer
