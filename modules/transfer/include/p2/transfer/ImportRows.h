#pragma once

#include "p2/core/Result.h"
#include "p2/store/ImportSource.h"
#include "p2/store/Registration.h"
#include "p2/transfer/LineFaults.h"
#include "p2/transfer/RowReader.h"

#include <cstdint>
#include <optional>
#include <string>

namespace p2::transfer {

/// What a reader reads, as an import takes it. Used by one thread at a time.
class ImportRows final : public store::ImportSource {
 public:
  struct Options {
    store::Registration::Time asOf;  ///< How old rows are that do not say it.
    bool skipBad = false;            ///< Whether the others are imported if lines are bad.
  };

  /// `reader` must outlive it.
  ImportRows(RowReader& reader, Options options) : _reader(reader), _options(options) {}

  /// As RowReader::begin().
  core::Result<void> begin() { return _reader.begin(_faults); }

  core::Result<std::optional<Row>> next() override;
  void refuse(std::uint64_t line, const std::string& why) override { _faults.add(line, why); }
  bool confirm() override { return _rows > 0 && (_options.skipBad || _faults.count() == 0); }

  const LineFaults& faults() const { return _faults; }
  /// How many rows there were that could be read.
  std::uint64_t count() const { return _rows; }

 private:
  RowReader& _reader;
  const Options _options;
  std::uint64_t _rows = 0;
  LineFaults _faults;
};

}  // namespace p2::transfer
