// Input: what is imported: a dump of the reference service's table, or the JSON lines of an export. Every row
// that is taken must come back from its own line of an export as it was.

#include "Fuzz.h"
#include "p2/transfer/LineReader.h"
#include "p2/transfer/RegistrationJson.h"
#include "p2/transfer/TableDump.h"

#include <algorithm>
#include <optional>
#include <sstream>
#include <string>

using p2::test::require;
namespace transfer = p2::transfer;

namespace {

void checkFault(const std::string& text) {
  require(!text.empty() && text.size() < 500, "a fault is bounded");
  require(std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; }),
          "a fault repeats nothing of the row");
}

void checkRow(const p2::core::Result<p2::store::Registration>& row) {
  if (!row) return checkFault(row.error());
  const auto& registration = row.value();
  require(!registration.node.empty() && !registration.secret.empty() && !registration.target.value.empty(),
          "a row is whole");
  require(registration.key.device.size() == 40, "a device is a hash");
  const std::string line = transfer::toJsonLine(registration);
  require(std::none_of(line.begin(), line.end(), [](char c) { return c >= '\0' && c < ' '; }),
          "a row is a line");
  const auto again = transfer::fromJsonLine(line);
  require(again.ok(), "what is exported can be imported");
  require(again.value() == registration, "what is exported is imported as it was");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::istringstream in{std::string(p2::test::textOf(data, size))};
  transfer::LineReader reader(in);
  std::string line;
  std::optional<transfer::TableDump> dump;
  for (auto read = reader.next(line); read != transfer::LineReader::Read::end; read = reader.next(line)) {
    require(reader.number() > 0, "lines are numbered from 1");
    if (read == transfer::LineReader::Read::tooLong) continue;
    require(line.size() <= transfer::LineReader::kMaxLineBytes, "a line is bounded");
    if (line.starts_with('{')) {
      checkRow(transfer::fromJsonLine(line));
    } else if (dump) {
      checkRow(dump->row(line));
    } else if (auto header = transfer::TableDump::fromHeader(line)) {
      dump = std::move(header).value();
    } else {
      checkFault(header.error());
    }
  }
  return 0;
}
