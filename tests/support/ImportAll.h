#pragma once

#include "p2/core/Result.h"
#include "p2/store/ImportSource.h"
#include "p2/store/Registration.h"
#include "p2/store/RegistrationArchive.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace p2::test {

/// Rows of an import that are all in memory; their lines are counted from 0.
class RowList final : public store::ImportSource {
 public:
  explicit RowList(std::vector<store::Registration> rows) : _rows(std::move(rows)) {}

  core::Result<std::optional<Row>> next() override {
    if (_next == _rows.size()) return std::optional<Row>();
    const std::uint64_t line = _next++;
    return std::optional(Row{_rows[line], line});
  }
  void refuse(std::uint64_t line, const std::string& why) override { faults.emplace_back(line, why); }
  bool confirm() override { return faults.empty(); }

  std::vector<std::pair<std::uint64_t, std::string>> faults;

 private:
  const std::vector<store::Registration> _rows;
  std::size_t _next = 0;
};

/// Imports all rows, or none if one is bad.
inline core::Result<store::RegistrationArchive::ImportReport> importAll(
    store::RegistrationArchive& store, const std::vector<store::Registration>& rows) {
  RowList source(rows);
  return store.importRows(source);
}

}  // namespace p2::test
