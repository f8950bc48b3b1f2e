// Input: the length of a node in one byte, the node, and its record.

#include "Fuzz.h"
#include "RecordCodec.h"
#include "p2/store/Validity.h"

#include <algorithm>

using p2::test::require;
namespace lmdb = p2::lmdb;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input = p2::test::textOf(data + 1, size - 1);
  const std::size_t nodeSize = std::min<std::size_t>(data[0], input.size());
  const std::string_view node = input.substr(0, nodeSize);
  const std::string_view record = input.substr(nodeSize);
  const auto decoded = lmdb::decodeRecord(node, record);
  if (!decoded) {
    require(!decoded.error().empty(), "an error says what it is");
    return 0;
  }
  require(p2::store::checkRegistration(decoded.value()).ok(), "what is read could have been written");
  require(decoded.value().node == node, "a record belongs to its node");
  require(lmdb::encodeRecord(decoded.value()) == record, "a record that is written again stays as it was");
  require(!lmdb::encodeDeviceKey(decoded.value().key).empty(), "a device key is not empty");
  return 0;
}
