#pragma once

#include "p2/core/Result.h"
#include "p2/store/Registration.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace p2::lmdb {

// What is on disk, without a database: README.md has the format in prose.

/// Version of a record's layout; its first byte.
inline constexpr std::uint8_t kRecordVersion = 1;

/// The record of a registration, all of it but the node, which is the record's key.
/// REQUIRES: checkRegistration() has no objection.
std::string encodeRecord(const store::Registration& registration);
/// The registration in a record. An error if the record was written by a newer version or is malformed
/// anywhere: cut, too long, with values nobody wrote.
core::Result<store::Registration> decodeRecord(std::string_view node, std::string_view record);

/// The key in the table of devices. REQUIRES: checkKey() has no objection.
std::string encodeDeviceKey(const store::DeviceKey& key);

}  // namespace p2::lmdb
