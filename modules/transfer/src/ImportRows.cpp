#include "p2/transfer/ImportRows.h"

#include <utility>

namespace p2::transfer {

core::Result<std::optional<ImportRows::Row>> ImportRows::next() {
  auto read = _reader.next(_faults);
  if (!read) return core::Error{read.error()};
  if (!read.value()) return std::optional<Row>();
  ++_rows;
  auto& [registration, line] = *read.value();
  Row row{std::move(registration), line};
  if (row.registration.lastRegistered == store::Registration::Time{}) {
    row.registration.created = row.registration.lastRegistered = _options.asOf;
    row.dated = false;
  }
  return std::optional(std::move(row));
}

}  // namespace p2::transfer
