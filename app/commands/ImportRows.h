#pragma once

#include "commands/ProgressBar.h"
#include "p2/core/Result.h"
#include "p2/store/Registration.h"
#include "p2/store/Store.h"

#include <cstdint>
#include <istream>
#include <string>
#include <vector>

namespace p2::app {

/// What is wrong with lines of an import: as many as a person reads, and the number of all.
class LineFaults {
 public:
  static constexpr std::size_t kMostShown = 100;

  void add(std::uint64_t line, const std::string& text);
  std::uint64_t count() const noexcept { return _count; }
  /// `line 7: its token is empty or damaged`, in the order of the lines; last, how many more there are.
  std::vector<std::string> texts() const;

 private:
  std::vector<std::string> _shown;
  std::uint64_t _count = 0;
};

/// The rows of an import with the lines that they came from.
struct ImportRows {
  std::vector<store::Registration> rows;
  std::vector<std::uint64_t> lines;  ///< By row, from 1.
  LineFaults faults;                 ///< Of lines that are not among the rows.
};

/// Reads a dump of the reference service's table, or the JSON lines of an export: it sees which. Error: the
/// input is neither. Blocks.
core::Result<ImportRows> readImportRows(std::istream& in, ProgressBar& progress);

/// Gives the rows without times the time `asOf`. But if a phone has renewed its registration with p2 since it
/// was created there, an undated row cannot be known to be newer and gets a time before that, so that it does
/// not replace it. Error: the store cannot be read.
core::Result<void> dateRows(std::vector<store::Registration>& rows, const store::Store& store,
                            store::Registration::Time asOf);

}  // namespace p2::app
