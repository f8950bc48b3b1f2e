#include "RecordCodec.h"
#include "Stores.h"
#include "p2/store/Validity.h"
#include "store/Samples.h"
#include "support/Catch.h"

#include <fstream>
#include <sstream>
#include <vector>

using namespace p2::lmdb;
using namespace p2::lmdb::test;
using namespace p2::store;
using namespace p2::store::test;
using p2::core::Secret;
using p2::core::Target;

namespace {

const std::string kNode = "eKxTS5n3bOe0";

/// The worked example, as README.md gives it.
Registration example() {
  return {
      kNode,
      Secret("KK4+H5WMfpRG/2zCbuKq6wpX"),
      {Service::fcm, "ec164939a8485ee6b7f7871071a11c7bb18aead5", ""},
      "jabber.de",
      token(
          "eeDXSJjASJY:APA91bEKxhXK54-vHhY9O55JmU2R0nDJL2rRENm-W9uPY6x3jHi0i0OyvPu6js9jVPZqDeX9ZQydZCBZE19o7"
          "a0kK4_n88fCgufXjaOlvalh9VibB2zOI7dQRTaDNB3H5s4dicpWD0m4"),
      Registration::Time(1'704'067'200s),
      Registration::Time(1'706'745'600s)};
}

/// The hex dumps in README.md, in their order.
std::vector<std::string> dumpsInReadme() {
  std::ifstream file(P2_SOURCE_DIR "/modules/lmdb/README.md");
  std::vector<std::string> dumps;
  std::string line;
  while (std::getline(file, line)) {
    if (line.size() < 60 || line.substr(8, 2) != "  " || line.find('|') == std::string::npos) continue;
    std::istringstream words(line.substr(0, line.find('|')));
    std::string offset;
    words >> offset;
    if (std::stoul(offset, nullptr, 16) == 0) dumps.emplace_back();
    for (std::string byte; words >> byte;) {
      dumps.back().push_back(static_cast<char>(std::stoul(byte, nullptr, 16)));
    }
  }
  return dumps;
}

std::string changed(std::size_t position, unsigned value) {
  std::string record = encodeRecord(example());
  record.at(position) = static_cast<char>(value);
  return record;
}

}  // namespace

TEST_CASE("The record and the device key in README.md are those of the worked example") {
  const auto dumps = dumpsInReadme();
  REQUIRE(dumps.size() == 2);
  const auto decoded = decodeRecord(kNode, dumps[0]);
  REQUIRE(decoded.ok());
  CHECK(decoded.value() == example());
  CHECK(encodeRecord(example()) == dumps[0]);
  CHECK(encodeDeviceKey(example().key) == dumps[1]);
}

TEST_CASE("A record gives back what went in, whatever the values are") {
  Registration extreme = example();
  SECTION("longest values") {
    extreme.node = std::string(kMaxNodeBytes, 'n');
    extreme.secret = Secret(std::string(kMaxSecretBytes, 's'));
    extreme.key = {Service::apns, std::string(kMaxDeviceBytes, 'd'), std::string(kMaxChannelBytes, 'c')};
    extreme.domain = std::string(kMaxDomainBytes, 'o');
    extreme.target = {Target::Kind::installationId, Secret(std::string(kMaxTargetBytes, 't'))};
  }
  SECTION("shortest values") {
    extreme = {"n", Secret("s"), {Service::fcm, "d", ""}, "o", token("t"), {}, {}};
  }
  SECTION("a domain that is not kept") {
    extreme.domain.clear();
  }
  SECTION("every byte there is") {
    std::string bytes;
    for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
    extreme.domain = bytes;
    extreme.target = token(bytes);
  }
  SECTION("times before 1970 and far off") {
    extreme.created = Registration::Time(-1s);
    extreme.lastRegistered = Registration::Time(std::chrono::seconds(std::int64_t{1} << 60U));
  }
  REQUIRE(checkRegistration(extreme).ok());
  const auto decoded = decodeRecord(extreme.node, encodeRecord(extreme));
  REQUIRE(decoded.ok());
  CHECK(decoded.value() == extreme);
}

TEST_CASE("A record that is cut at any byte, or goes on, is an error") {
  const std::string record = encodeRecord(example());
  for (std::size_t length = 0; length < record.size(); ++length) {
    INFO(length);
    CHECK_FALSE(decodeRecord(kNode, std::string_view(record).substr(0, length)).ok());
  }
  CHECK_FALSE(decodeRecord(kNode, record + '\0').ok());
  CHECK_FALSE(decodeRecord(kNode, record + record).ok());
}

TEST_CASE("A record with a value that nobody wrote is an error") {
  struct Row {
    std::size_t position;
    unsigned value;
    const char* text;
  };
  const Row rows[] = {
      {0, 0, "has no version"},   {0, 2, "format version 2"},  {0, 255, "format version 255"},
      {1, 0, "push service"},     {1, 3, "push service"},      {2, 2, "kind of target"},
      {2, 255, "kind of target"}, {19, 0, "The device has 0"}, {19, 39, "cut short"},
      {20, 255, "cut short"},     {61, 1, "cut short"},        {61, 255, "cut short"},
  };
  for (const Row& row : rows) {
    INFO("byte " << row.position << " is " << row.value);
    const auto decoded = decodeRecord(kNode, changed(row.position, row.value));
    REQUIRE_FALSE(decoded.ok());
    if (row.position != 19 || row.value != 0) CHECK(decoded.error().find(row.text) != std::string::npos);
  }
}

TEST_CASE(
    "No record, however it is changed in one byte, is read beyond its end or decoded to what cannot be") {
  for (std::size_t position = 0; position < encodeRecord(example()).size(); ++position) {
    for (const unsigned value : {0U, 1U, 0x7FU, 0x80U, 0xFFU}) {
      const std::string record = changed(position, value);
      const auto decoded = decodeRecord(kNode, record);
      if (decoded.ok()) CHECK(encodeRecord(decoded.value()) == record);
    }
  }
}

TEST_CASE("What does not fit a record is refused, and the text does not show it") {
  Registration registration = example();
  std::string what;
  SECTION("node") {
    registration.node = "";
    what = "The node has 0 bytes";
  }
  SECTION("secret") {
    registration.secret = Secret(std::string(65, 'X'));
    what = "The secret has 65 bytes";
  }
  SECTION("device") {
    registration.key.device = std::string(65, 'X');
    what = "The device has 65 bytes";
  }
  SECTION("channel") {
    registration.key.channel = std::string(65, 'X');
    what = "The channel has 65 bytes";
  }
  SECTION("domain") {
    registration.domain = std::string(1024, 'X');
    what = "The domain has 1024 bytes";
  }
  SECTION("target") {
    registration.target = token(std::string(4097, 'X'));
    what = "The target has 4097 bytes";
  }
  SECTION("service") {
    registration.key.service = static_cast<Service>(9);
    what = "The push service is unknown";
  }
  const auto checked = checkRegistration(registration);
  REQUIRE_FALSE(checked.ok());
  CHECK(checked.error().find(what) == 0);
  CHECK(checked.error().find('X') == std::string::npos);
}

TEST_CASE("Device keys differ whenever their parts do") {
  const std::vector<DeviceKey> keys = {{Service::fcm, "ab", "c"},  {Service::fcm, "a", "bc"},
                                       {Service::fcm, "abc", ""},  {Service::fcm, "abcd", ""},
                                       {Service::apns, "abc", ""}, {Service::fcm, "ab", "cd"}};
  for (std::size_t i = 0; i < keys.size(); ++i) {
    for (std::size_t j = 0; j < keys.size(); ++j) {
      CHECK((encodeDeviceKey(keys[i]) == encodeDeviceKey(keys[j])) == (i == j));
    }
  }
}
