#include "p2/transfer/ImportRows.h"

#include "p2/core/Words.h"
#include "p2/transfer/RegistrationJson.h"
#include "p2/transfer/TableDump.h"

#include <algorithm>
#include <array>
#include <ios>
#include <iterator>
#include <utility>

namespace p2::transfer {

namespace {

constexpr const char* kTooLong = "it is longer than any registration";

core::Error unreadable(const std::ios_base::failure& failure) {
  return core::Error{std::string("the input could not be read to its end (") + failure.what() + ")."};
}

/// By its byte order mark, or every other byte of what should be a heading in ASCII.
bool isUtf16(std::string_view line) {
  if (line.starts_with("\xFF\xFE") || line.starts_with("\xFE\xFF")) return true;
  return line.size() > 3 && (line[0] == '\0') != (line[1] == '\0') &&
         (line[0] == '\0') == (line[2] == '\0') && (line[1] == '\0') == (line[3] == '\0');
}

/// Whether it is a dump as SQL.
bool isSql(std::string_view line) {
  const auto startsLike = [line](std::string_view word) {
    return line.size() >= word.size() &&
           std::equal(word.begin(), word.end(), line.begin(), [](char one, char c) {
             return one == (c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
           });
  };
  constexpr std::array<std::string_view, 7> kWords{"--",         "/*",   "INSERT INTO", "CREATE TABLE",
                                                   "DROP TABLE", "SET ", "USE "};
  return std::any_of(kWords.begin(), kWords.end(), startsLike);
}

/// By the marks of gzip, zstd, xz and bzip2.
bool isCompressed(std::string_view line) {
  constexpr std::array<std::string_view, 4> kMarks{"\x1F\x8B", "\x28\xB5\x2F\xFD",
                                                   "\xFD"
                                                   "7zXZ",
                                                   "BZh"};
  return std::any_of(kMarks.begin(), kMarks.end(),
                     [line](std::string_view mark) { return line.starts_with(mark); });
}

/// What a file is that is no dump for us, by how it begins; empty if that says nothing.
std::string_view otherFormat(std::string_view line) {
  if (isSql(line)) {
    return "this is a dump as SQL (mysqldump, mariadb-dump), which p2 does not read. Have the table printed "
           "instead: mariadb --batch -e 'SELECT * FROM target' DATABASE > FILE (mysql does it, too)";
  }
  if (isCompressed(line)) {
    return "this is compressed: unpack it first (gunzip, unzstd, unxz or bunzip2)";
  }
  if (isUtf16(line)) {
    return "this is UTF-16; save it as UTF-8, or have mariadb --batch print it again on a system that writes "
           "that";
  }
  if (line.find('\0') != std::string_view::npos) {
    return "this is no text: neither a table as mariadb --batch prints it nor the lines of p2 export";
  }
  if (line.starts_with("+-")) {
    return "this is a table with frames; print it with mariadb --batch";
  }
  return {};
}

}  // namespace

void LineFaults::add(std::uint64_t line, const std::string& text) {
  ++_count;
  _shown.emplace(line, text);
  if (_shown.size() > kMostShown) _shown.erase(std::prev(_shown.end()));
}

std::vector<std::string> LineFaults::texts() const {
  std::vector<std::string> texts;
  for (const auto& [line, text] : _shown) texts.push_back("line " + std::to_string(line) + ": " + text);
  if (_count > _shown.size()) texts.push_back("and " + core::grouped(_count - _shown.size()) + " more lines");
  return texts;
}

core::Result<void> ImportRows::begin() {
  try {
    return readFormat();
  } catch (const std::ios_base::failure& failure) {
    return unreadable(failure);
  }
}

core::Result<std::optional<ImportRows::Row>> ImportRows::next() {
  try {
    auto row = _first ? std::exchange(_first, std::nullopt) : readRow();
    if (row.ok() && row.value()) ++_rows;
    return row;
  } catch (const std::ios_base::failure& failure) {
    return unreadable(failure);
  }
}

/// Looks at the first line that is not too long: how are the others read?
core::Result<void> ImportRows::readFormat() {
  std::string line;
  auto read = _reader.next(line);
  for (; read == LineReader::Read::tooLong; read = _reader.next(line)) refuse(_reader.number(), kTooLong);
  if (read == LineReader::Read::end) return {};
  const auto badHead = [this](const std::string& why) {
    return core::Error{"line " + std::to_string(_reader.number()) + ": " + why + "."};
  };
  if (line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
  if (const auto other = otherFormat(line); !other.empty()) {
    return badHead(std::string(other));
  }
  if (line.starts_with('{')) {
    _parse = fromJsonLine;
    _first = rowOf(line);
    return {};
  }
  auto dump = TableDump::fromHeader(line);
  if (!dump) return badHead(dump.error());
  _parse = [dump = std::move(dump).value()](const std::string& row) { return dump.row(row); };
  _isDump = true;
  return {};
}

/// The next line that is a row.
core::Result<std::optional<ImportRows::Row>> ImportRows::readRow() {
  std::string line;
  for (auto read = _reader.next(line); read != LineReader::Read::end; read = _reader.next(line)) {
    _onLine(_reader.number());
    if (read == LineReader::Read::tooLong) {
      refuse(_reader.number(), kTooLong);
    } else if (_isDump && _reader.endMissing()) {
      refuse(_reader.number(), "it has no end: the dump was cut off here");
    } else if (!line.empty()) {
      if (auto row = rowOf(line)) return row;
    }
  }
  return std::optional<Row>();
}

std::optional<ImportRows::Row> ImportRows::rowOf(const std::string& line) {
  auto parsed = _parse(line);
  if (!parsed) {
    refuse(_reader.number(), parsed.error());
    return std::nullopt;
  }
  Row row{std::move(parsed).value(), _reader.number()};
  auto& registration = row.registration;
  if (registration.lastRegistered == store::Registration::Time{}) {
    registration.created = registration.lastRegistered = _options.asOf;
    row.dated = false;
  }
  return row;
}

}  // namespace p2::transfer
