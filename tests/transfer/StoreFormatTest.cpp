#include "p2/lmdb/Store.h"
#include "p2/transfer/RegistrationJson.h"
#include "support/Catch.h"
#include "support/ImportAll.h"
#include "support/TemporaryDirectory.h"

#include <bit>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace p2;
using Lines = std::vector<std::string>;

namespace {

const std::filesystem::path kKept = std::filesystem::path(P2_SOURCE_DIR) / "tests/data/store-format-1";

Lines linesOf(const lmdb::Store& store) {
  Lines lines;
  const auto read = store.forEach([&](const store::Registration& registration) {
    lines.push_back(transfer::toJsonLine(registration));
    return true;
  });
  REQUIRE(read.ok());
  return lines;
}

Lines exported() {
  std::ifstream file(kKept / "registrations.jsonl");
  Lines lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

}  // namespace

TEST_CASE("A store that the first p2 wrote is read and written, with what that p2 exported from it") {
  if (sizeof(void*) != 8 || std::endian::native != std::endian::little) {
    WARN("skipped: the file is one of a 64-bit little-endian machine");
    return;
  }
  const test::TemporaryDirectory directory;
  const auto path = directory.path() / "store";
  std::filesystem::create_directory(path);
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  std::filesystem::copy_file(kKept / "data.mdb", path / "data.mdb");
  const auto expected = exported();
  REQUIRE(expected.size() == 4);
  {
    const auto reading = lmdb::Store::openReadOnly(path);
    REQUIRE(reading.ok());
    CHECK(linesOf(*reading.value()) == expected);
  }
  lmdb::Store::Options options;
  options.path = path;
  const auto store = lmdb::Store::open(options);
  REQUIRE(store.ok());
  CHECK(linesOf(*store.value()) == expected);
  std::vector<store::Registration> rows;
  for (const auto& line : expected) rows.push_back(transfer::fromJsonLine(line).value());
  const auto report = p2::test::importAll(*store.value(), rows);
  REQUIRE(report.ok());
  CHECK(report.value().unchanged == 4);
}
