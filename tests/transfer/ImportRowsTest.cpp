#include "Samples.h"
#include "p2/transfer/ImportRows.h"
#include "p2/transfer/LineReader.h"
#include "p2/transfer/TableRows.h"
#include "p2/transfer/TextRows.h"
#include "support/Catch.h"

#include <cstdint>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

using namespace p2;
using namespace p2::transfer;
using p2::test::kDevice;
using p2::test::kHeader;
using Time = store::Registration::Time;

namespace {

std::string row(const std::string& node, const std::string& token = "t") {
  return "FCM\t" + kDevice + "\t\tjabber.de\t" + token + '\t' + node + "\tsecret\n";
}

/// All that an input holds.
struct Rows {
  std::vector<store::ImportSource::Row> rows;
  std::vector<std::string> faults;
  bool confirmed = false;
};

core::Result<Rows> read(RowReader& reader, bool skipBad) {
  ImportRows source(reader, {Time(std::chrono::seconds(1000)), skipBad});
  if (auto begun = source.begin(); !begun) return core::Error{begun.error()};
  Rows rows;
  for (;;) {
    auto row = source.next();
    if (!row) return core::Error{row.error()};
    if (!row.value()) break;
    rows.rows.push_back(std::move(*row.value()));
  }
  CHECK(source.count() == rows.rows.size());
  rows.faults = source.faults().texts();
  rows.confirmed = source.confirm();
  return rows;
}

core::Result<Rows> read(const std::string& text, bool skipBad = false) {
  std::istringstream in(text);
  std::uint64_t last = 0;
  const auto onLine = [&last](std::uint64_t line) { CHECK(line > std::exchange(last, line)); };
  TextRows reader(in, onLine);
  return read(reader, skipBad);
}

Time at(std::int64_t seconds) {
  return Time(std::chrono::seconds(seconds));
}

}  // namespace

TEST_CASE("Lines are read with either end, and one that is too long is left out alone") {
  std::istringstream in("one\r\n\ntoo " + std::string(LineReader::kMaxLineBytes, 'x') + "\nlast");
  LineReader reader(in);
  std::string line;
  CHECK(reader.next(line) == LineReader::Read::line);
  CHECK(line == "one");
  CHECK(reader.next(line) == LineReader::Read::line);
  CHECK(line.empty());
  CHECK(reader.next(line) == LineReader::Read::tooLong);
  CHECK_FALSE(reader.endMissing());
  CHECK(reader.next(line) == LineReader::Read::line);
  CHECK(line == "last");
  CHECK(reader.endMissing());
  CHECK(reader.number() == 4);
  CHECK(reader.next(line) == LineReader::Read::end);
}

TEST_CASE("The rows of a dump are read with their line numbers, bad ones set aside") {
  const auto rows = read(kHeader + "\n" + row("n1") + "bad\n" + row("n2"));
  REQUIRE(rows.ok());
  REQUIRE(rows.value().rows.size() == 2);
  CHECK(rows.value().rows[1].registration.node == "n2");
  CHECK(rows.value().rows[0].line == 2);
  CHECK(rows.value().rows[1].line == 4);
  CHECK(rows.value().faults == std::vector<std::string>{"line 3: it has 1 columns instead of 7"});
  CHECK_FALSE(rows.value().confirmed);
  CHECK(read(kHeader + "\n" + row("n1") + "bad\n" + row("n2"), true).value().confirmed);
}

TEST_CASE("JSON lines are told by their first character") {
  const auto rows = read("{\"service\":\"FCM\",\"device\":\"" + kDevice +
                         "\",\"domain\":\"d\",\"token\":\"t\",\"node\":\"n\",\"secret\":\"s\"}\n{\n");
  REQUIRE(rows.ok());
  CHECK(rows.value().rows.size() == 1);
  CHECK(rows.value().faults == std::vector<std::string>{"line 2: it is not valid JSON"});
}

TEST_CASE("A dump that was cut off in its last line is noticed even if that line looks whole") {
  const auto whole = kHeader + "\n" + row("n1");
  const auto rows = read(whole.substr(0, whole.size() - 1));
  REQUIRE(rows.ok());
  CHECK(rows.value().rows.empty());
  CHECK(rows.value().faults == std::vector<std::string>{"line 2: it has no end: the dump was cut off here"});
}

TEST_CASE("A file of another form is named for what it is, with what to do instead") {
  struct Case {
    std::string text;
    const char* named;
  };
  const Case cases[] = {
      {"-- MySQL dump 10.13  Distrib 8.0.36\n--\n", "mariadb --batch -e"},
      {"/*M!999999\\- enable the sandbox mode */\n-- MariaDB dump 10.19\n", "mariadb --batch -e"},
      {"INSERT INTO `target` VALUES ('FCM')\n", "mariadb --batch -e"},
      {"create table target (\n", "mariadb --batch -e"},
      {std::string("\xFF\xFEs\0e\0r\0\n\0", 10), "UTF-16"},
      {std::string("\xFE\xFF\0s\0e\0\n", 8), "UTF-16"},
      {std::string("s\0e\0r\0\n\0", 8), "UTF-16"},
      {"+---------+--------+\n| service | device |\n", "a table with frames"},
      {std::string("\x1F\x8B\x08\0\0\0\0\0\0\x03", 10), "gunzip"},
      {std::string("\x7F"
                   "ELF\x02\x01\x01\0\0\0\0\0\x03\0>",
                   15),
       "no text"},
      {std::string("PK\x03\x04\x14\0\0\0\x08\0", 10), "no text"},
  };
  for (const auto& [text, named] : cases) {
    const auto rows = read(text);
    REQUIRE_FALSE(rows.ok());
    INFO(rows.error());
    CHECK(rows.error().find("line 1: ") == 0);
    CHECK(rows.error().find(named) != std::string::npos);
    CHECK(rows.error().back() == '.');
  }
}

TEST_CASE("What is wrong with the heading is told with its own line") {
  const auto rows = read(std::string(LineReader::kMaxLineBytes + 1, 'x') + "\nservice\n");
  REQUIRE_FALSE(rows.ok());
  CHECK(rows.error().find("line 2: ") == 0);
}

TEST_CASE("A byte order mark and Windows' line ends are no part of a dump") {
  std::string text = "\xEF\xBB\xBF" + kHeader + "\n" + row("n1") + row("n2");
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2)
    text.replace(at, 1, "\r\n");
  const auto rows = read(text);
  REQUIRE(rows.ok());
  CHECK(rows.value().rows.size() == 2);
  CHECK(rows.value().faults.empty());
}

TEST_CASE("An input that is no dump is refused, and an empty one has no rows") {
  CHECK_FALSE(read("INSERT INTO target VALUES (1)\n").ok());
  const auto empty = read("");
  REQUIRE(empty.ok());
  CHECK(empty.value().rows.empty());
}

TEST_CASE("Of many bad lines the first hundred are shown and the rest is counted") {
  LineFaults faults;
  for (std::uint64_t line = 1; line <= 1234; ++line) faults.add(line, "it is bad");
  const auto texts = faults.texts();
  REQUIRE(texts.size() == 101);
  CHECK(texts.front() == "line 1: it is bad");
  CHECK(texts.back() == "and 1,134 more lines");
  CHECK(faults.count() == 1234);
}

TEST_CASE("A row without dates is as old as the dump, and known to be undated") {
  auto dated = read("{\"service\":\"FCM\",\"device\":\"" + kDevice +
                    "\",\"domain\":\"d\",\"token\":\"t\",\"node\":\"n\",\"secret\":\"s\","
                    "\"created\":\"1970-01-01T00:00:05Z\",\"lastRegistered\":\"1970-01-01T00:00:07Z\"}\n");
  REQUIRE(dated.ok());
  REQUIRE(dated.value().rows.size() == 1);
  CHECK(dated.value().rows[0].dated);
  CHECK(dated.value().rows[0].registration.lastRegistered == at(7));
  const auto undated = read(kHeader + "\n" + row("n1"));
  REQUIRE(undated.ok());
  CHECK_FALSE(undated.value().rows[0].dated);
  CHECK(undated.value().rows[0].registration.created == at(1000));
  CHECK(undated.value().rows[0].registration.lastRegistered == at(1000));
}

namespace {

using Fields = TableDump::Fields;

core::Result<Rows> readTable(const Fields& columns, const std::vector<Fields>& table, bool skipBad = false) {
  std::size_t next = 0;
  TableRows reader(
      columns,
      [&]() -> core::Result<std::optional<Fields>> {
        if (next == table.size()) return std::optional<Fields>();
        return std::optional(table[next++]);
      },
      [&next](std::uint64_t line) { CHECK(line == next + 1); });
  return read(reader, skipBad);
}

Fields tableRow(const std::string& node, Fields more = {}) {
  Fields fields{std::nullopt, kDevice, std::nullopt, "Jabber.DE", "t", node, "secret"};
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

const Fields kColumns{"service", "device", "channel", "domain", "token", "node", "secret"};
const Fields kWidened{"service", "device", "channel", "domain",  "token",  "node",
                      "secret",  "kind",   "created", "renewed", "changed"};

}  // namespace

TEST_CASE("A table's rows are read as a dump of it, whose lines they have") {
  const auto read = readTable(kColumns, {tableRow("one"), tableRow(""), tableRow("three")}, true).value();
  REQUIRE(read.rows.size() == 2);
  CHECK(read.rows[0].line == 2);
  CHECK(read.rows[1].line == 4);
  CHECK_FALSE(read.rows[0].dated);
  CHECK(read.rows[0].registration.domain == "jabber.de");
  CHECK(read.rows[0].registration.key == store::DeviceKey{store::Service::fcm, kDevice, ""});
  CHECK(read.faults == std::vector<std::string>{"line 3: its node is empty or damaged"});
  CHECK_FALSE(readTable({"device", "note"}, {}).ok());
}

TEST_CASE("What p2 has added to a table counts as long as nobody else has changed the row") {
  using Kind = core::Target::Kind;
  const auto oneRow = [](const Fields& more) {
    return readTable(kWidened, {tableRow("node", more)}).value().rows.at(0);
  };
  const auto own = oneRow({"1", "100", "200", std::nullopt});
  CHECK(own.dated);
  CHECK(own.registration.created == at(100));
  CHECK(own.registration.lastRegistered == at(200));
  CHECK(own.registration.target.kind == Kind::installationId);
  const auto others = oneRow({"1", "100", "200", "2026-01-01 00:00:00"});
  CHECK_FALSE(others.dated);
  CHECK(others.registration.target.kind == Kind::registrationToken);
  for (const char* date : {"2026-01-01 00:00:00", "", "-1", "99999999999999", "1e9"}) {
    CHECK_FALSE(oneRow({"0", "100", date, std::nullopt}).dated);
    CHECK_FALSE(oneRow({"0", date, "200", std::nullopt}).dated);
  }
  CHECK(oneRow({"0", "100", "200", std::nullopt}).registration.target.kind == Kind::registrationToken);
}

TEST_CASE("A table that breaks off is not imported") {
  std::size_t given = 0;
  TableRows reader(
      kColumns,
      [&given]() -> core::Result<std::optional<Fields>> {
        if (given++ == 1) return core::Error{"the database has gone"};
        return std::optional(tableRow("node"));
      },
      [](std::uint64_t) {});
  const auto broken = read(reader, true);
  REQUIRE_FALSE(broken.ok());
  CHECK(broken.error() == "the database has gone");
}
