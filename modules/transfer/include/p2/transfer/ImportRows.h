#pragma once

#include "p2/core/Result.h"
#include "p2/store/ImportSource.h"
#include "p2/store/Registration.h"
#include "p2/transfer/LineReader.h"

#include <cstdint>
#include <functional>
#include <istream>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace p2::transfer {

/// What is wrong with lines of an import: as many as a person reads, and the number of all.
class LineFaults {
 public:
  static constexpr std::size_t kMostShown = 100;

  void add(std::uint64_t line, const std::string& text);
  std::uint64_t count() const noexcept { return _count; }
  /// `line 7: its token is empty or damaged`, in the order of the lines; last, how many more there are.
  std::vector<std::string> texts() const;

 private:
  std::map<std::uint64_t, std::string> _shown;  ///< The first lines.
  std::uint64_t _count = 0;
};

/// The rows of a dump of the reference service's table, or of the JSON lines of an export: it sees which.
/// Used by one thread at a time.
class ImportRows final : public store::ImportSource {
 public:
  struct Options {
    store::Registration::Time asOf;  ///< How old rows are that do not say it.
    bool skipBad = false;            ///< Whether the others are imported if lines are bad.
  };

  /// Called with the number of each line, before it is read as a row.
  using OnLine = std::function<void(std::uint64_t line)>;

  ImportRows(std::istream& in, OnLine onLine, Options options)
      : _reader(in), _onLine(std::move(onLine)), _options(options) {}

  /// Reads the first line. Error: the input is neither. Blocks; to be called first.
  core::Result<void> begin();

  core::Result<std::optional<Row>> next() override;
  void refuse(std::uint64_t line, const std::string& why) override { _faults.add(line, why); }
  bool confirm() override { return _rows > 0 && (_options.skipBad || _faults.count() == 0); }

  const LineFaults& faults() const { return _faults; }
  /// How many rows there were that could be read.
  std::uint64_t count() const { return _rows; }

 private:
  using ParseLine = std::function<core::Result<store::Registration>(const std::string&)>;

  core::Result<void> readFormat();
  core::Result<std::optional<Row>> readRow();
  std::optional<Row> rowOf(const std::string& line);

  LineReader _reader;
  const OnLine _onLine;
  const Options _options;
  ParseLine _parse;           ///< Empty if there is no line.
  bool _isDump = false;       ///< The first line is no row, and every line ends.
  std::optional<Row> _first;  ///< The row of the first line, until it is given.
  std::uint64_t _rows = 0;
  LineFaults _faults;
};

}  // namespace p2::transfer
