#include "commands/ImportRows.h"

#include "commands/LineReader.h"
#include "commands/RegistrationJson.h"
#include "commands/TableDump.h"

#include <algorithm>
#include <functional>
#include <ios>
#include <optional>
#include <utility>

namespace p2::app {

namespace {

using ParseLine = std::function<core::Result<store::Registration>(const std::string&)>;

/// What a file is that is no dump for us, by how it begins; empty if that says nothing.
std::string_view otherFormat(std::string_view line) {
  constexpr std::string_view kSql =
      "this is a dump as SQL (mysqldump, mariadb-dump), which p2 does not read. Have the table printed "
      "instead: "
      "mariadb --batch -e 'SELECT * FROM target' DATABASE > FILE (mysql does it, too)";
  const auto startsLike = [line](std::string_view word) {
    return line.size() >= word.size() &&
           std::equal(word.begin(), word.end(), line.begin(), [](char one, char c) {
             return one == (c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
           });
  };
  for (const std::string_view word :
       {"--", "/*", "INSERT INTO", "CREATE TABLE", "DROP TABLE", "SET ", "USE "}) {
    if (startsLike(word)) return kSql;
  }
  if (line.starts_with("\xFF\xFE") || line.starts_with("\xFE\xFF") ||
      line.find('\0') != std::string_view::npos) {
    return "this is UTF-16; save it as UTF-8, or have mariadb --batch print it again on a system that writes "
           "that";
  }
  if (line.starts_with("+-")) {
    return "this is a table with frames; print it with mariadb --batch";
  }
  return {};
}

/// Looks at the first line: how are the others read? `json`: it is itself a row.
core::Result<ParseLine> formatOf(std::string& line, bool& json) {
  if (line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
  if (const auto other = otherFormat(line); !other.empty())
    return core::Error{"line 1: " + std::string(other) + "."};
  json = line.starts_with('{');
  if (json) return ParseLine(fromJsonLine);
  auto dump = TableDump::fromHeader(line);
  if (!dump) return core::Error{"line 1: " + dump.error() + "."};
  return ParseLine([dump = std::move(dump).value()](const std::string& row) { return dump.row(row); });
}

void takeRow(const ParseLine& parse, const std::string& line, std::uint64_t number, ImportRows& into) {
  auto row = parse(line);
  if (!row) return into.faults.add(number, row.error());
  into.rows.push_back(std::move(row).value());
  into.lines.push_back(number);
}

core::Result<ImportRows> readAll(std::istream& in, ProgressBar& progress) {
  ImportRows rows;
  LineReader reader(in);
  std::string line;
  std::optional<ParseLine> parse;
  bool json = false;
  for (auto read = reader.next(line); read != LineReader::Read::end; read = reader.next(line)) {
    progress.show(reader.number());
    if (read == LineReader::Read::tooLong) {
      rows.faults.add(reader.number(), "it is longer than any registration");
    } else if (!parse) {
      auto format = formatOf(line, json);
      if (!format) return core::Error{format.error()};
      parse = std::move(format).value();
      if (json) takeRow(*parse, line, reader.number(), rows);
    } else if (!json && reader.endMissing()) {
      rows.faults.add(reader.number(), "it has no end: the dump was cut off here");
    } else if (!line.empty()) {
      takeRow(*parse, line, reader.number(), rows);
    }
  }
  return rows;
}

}  // namespace

void LineFaults::add(std::uint64_t line, const std::string& text) {
  if (_count++ < kMostShown) _shown.push_back("line " + std::to_string(line) + ": " + text);
}

std::vector<std::string> LineFaults::texts() const {
  auto texts = _shown;
  if (_count > _shown.size()) texts.push_back("and " + grouped(_count - _shown.size()) + " more lines");
  return texts;
}

core::Result<ImportRows> readImportRows(std::istream& in, ProgressBar& progress) {
  try {
    return readAll(in, progress);
  } catch (const std::ios_base::failure& failure) {
    return core::Error{std::string("the input could not be read to its end (") + failure.what() + ")."};
  }
}

core::Result<void> dateRows(std::vector<store::Registration>& rows, const store::Store& store,
                            store::Registration::Time asOf) {
  const bool empty = store.statistics().registrations == 0;
  for (auto& row : rows) {
    if (row.lastRegistered != store::Registration::Time{}) continue;
    row.created = row.lastRegistered = asOf;
    if (empty) continue;
    const auto stored = store.find(row.node);
    if (!stored) return core::Error{stored.error()};
    const auto& known = stored.value();
    if (known && known->lastRegistered > known->created) row.lastRegistered = known->created;
  }
  return {};
}

}  // namespace p2::app
