#include "p2/transfer/TextRows.h"

#include "p2/transfer/RegistrationJson.h"
#include "p2/transfer/TableDump.h"

#include <algorithm>
#include <array>
#include <ios>
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

core::Result<void> TextRows::begin(LineFaults& faults) {
  try {
    return readFormat(faults);
  } catch (const std::ios_base::failure& failure) {
    return unreadable(failure);
  }
}

core::Result<std::optional<TextRows::Row>> TextRows::next(LineFaults& faults) {
  try {
    return _first ? std::exchange(_first, std::nullopt) : readRow(faults);
  } catch (const std::ios_base::failure& failure) {
    return unreadable(failure);
  }
}

/// Looks at the first line that is not too long: how are the others read?
core::Result<void> TextRows::readFormat(LineFaults& faults) {
  std::string line;
  auto read = _reader.next(line);
  for (; read == LineReader::Read::tooLong; read = _reader.next(line)) faults.add(_reader.number(), kTooLong);
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
    _first = rowOf(line, faults);
    return {};
  }
  auto dump = TableDump::fromHeader(line);
  if (!dump) return badHead(dump.error());
  _parse = [dump = std::move(dump).value()](const std::string& row) { return dump.row(row); };
  _isDump = true;
  return {};
}

/// The next line that is a row.
core::Result<std::optional<TextRows::Row>> TextRows::readRow(LineFaults& faults) {
  std::string line;
  for (auto read = _reader.next(line); read != LineReader::Read::end; read = _reader.next(line)) {
    _onLine(_reader.number());
    if (read == LineReader::Read::tooLong) {
      faults.add(_reader.number(), kTooLong);
    } else if (_isDump && _reader.endMissing()) {
      faults.add(_reader.number(), "it has no end: the dump was cut off here");
    } else if (!line.empty()) {
      if (auto row = rowOf(line, faults)) return row;
    }
  }
  return std::optional<Row>();
}

std::optional<TextRows::Row> TextRows::rowOf(const std::string& line, LineFaults& faults) {
  auto parsed = _parse(line);
  if (parsed) return Row{std::move(parsed).value(), _reader.number()};
  faults.add(_reader.number(), parsed.error());
  return std::nullopt;
}

}  // namespace p2::transfer
