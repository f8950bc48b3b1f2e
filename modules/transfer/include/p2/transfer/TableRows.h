#pragma once

#include "p2/core/Result.h"
#include "p2/transfer/RowReader.h"
#include "p2/transfer/TableDump.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

namespace p2::transfer {

/// The rows of a reference table as a database gives them. Lines are counted as `mariadb --batch` prints
/// them: the first is the heading. Used by one thread at a time.
class TableRows final : public RowReader {
 public:
  /// Gives the next row, column by column; nothing at the end. Blocks.
  using Fetch = std::function<core::Result<std::optional<TableDump::Fields>>()>;

  /// `columns`: their names.
  TableRows(TableDump::Fields columns, Fetch fetch, OnLine onLine)
      : _columns(std::move(columns)), _fetch(std::move(fetch)), _onLine(std::move(onLine)) {}

  core::Result<void> begin(LineFaults& faults) override;
  core::Result<std::optional<Row>> next(LineFaults& faults) override;

 private:
  const TableDump::Fields _columns;
  const Fetch _fetch;
  const OnLine _onLine;
  std::optional<TableDump> _dump;
  std::uint64_t _line = 1;
};

}  // namespace p2::transfer
