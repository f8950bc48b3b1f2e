#pragma once

#include "p2/transfer/LineReader.h"
#include "p2/transfer/RowReader.h"

#include <functional>
#include <istream>
#include <optional>
#include <string>
#include <utility>

namespace p2::transfer {

/// The rows of a dump of the reference service's table, or of the JSON lines of an export: it sees which.
/// Used by one thread at a time.
class TextRows final : public RowReader {
 public:
  TextRows(std::istream& in, OnLine onLine) : _reader(in), _onLine(std::move(onLine)) {}

  core::Result<void> begin(LineFaults& faults) override;
  core::Result<std::optional<Row>> next(LineFaults& faults) override;

 private:
  using ParseLine = std::function<core::Result<store::Registration>(const std::string&)>;

  core::Result<void> readFormat(LineFaults& faults);
  core::Result<std::optional<Row>> readRow(LineFaults& faults);
  std::optional<Row> rowOf(const std::string& line, LineFaults& faults);

  LineReader _reader;
  const OnLine _onLine;
  ParseLine _parse;           ///< Empty if there is no line.
  bool _isDump = false;       ///< The first line is no row, and every line ends.
  std::optional<Row> _first;  ///< The row of the first line, until it is given.
};

}  // namespace p2::transfer
