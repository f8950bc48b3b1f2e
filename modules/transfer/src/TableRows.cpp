#include "p2/transfer/TableRows.h"

namespace p2::transfer {

core::Result<void> TableRows::begin(LineFaults& /*faults*/) {
  auto dump = TableDump::fromColumns(_columns);
  if (!dump) return core::Error{dump.error() + "."};
  _dump.emplace(std::move(dump).value());
  return {};
}

core::Result<std::optional<RowReader::Row>> TableRows::next(LineFaults& faults) {
  for (;;) {
    auto fields = _fetch();
    if (!fields) return core::Error{fields.error()};
    if (!fields.value()) return std::optional<Row>();
    _onLine(++_line);
    auto registration = _dump->row(std::move(*fields.value()));
    if (registration) return std::optional(Row{std::move(registration).value(), _line});
    faults.add(_line, registration.error());
  }
}

}  // namespace p2::transfer
