#include "RecordCodec.h"

#include "p2/store/Bytes.h"
#include "p2/store/Validity.h"

#include <optional>

namespace p2::lmdb {

namespace {

using core::Error;
using core::Result;
using core::Secret;
using core::Target;

// Bytes before the first string: version, service, kind, created, lastRegistered.
constexpr std::size_t kFixedBytes = 3 + 2 * sizeof(std::int64_t);

void putTime(std::string& out, store::Registration::Time time) {
  store::putInteger(out, static_cast<std::uint64_t>(time.time_since_epoch().count()));
}

std::optional<store::Registration::Time> takeTime(store::ByteReader& reader) {
  const auto seconds = reader.integer<std::uint64_t>();
  if (!seconds) return std::nullopt;
  return store::Registration::Time(std::chrono::seconds(static_cast<std::int64_t>(*seconds)));
}

Error damaged(const char* how) {
  return Error{std::string("the record of a registration is damaged: ") + how};
}

Result<store::Registration> checked(store::Registration registration) {
  auto valid = store::checkRegistration(registration);
  if (!valid.ok()) return damaged(valid.error().c_str());
  return registration;
}

}  // namespace

std::string encodeRecord(const store::Registration& registration) {
  const store::DeviceKey& key = registration.key;
  const std::string& target = registration.target.value.reveal();
  const std::string& secret = registration.secret.reveal();
  std::string record;
  record.reserve(kFixedBytes + 5 * sizeof(std::uint16_t) + key.device.size() + key.channel.size() +
                 registration.domain.size() + target.size() + secret.size());
  store::putInteger(record, kRecordVersion);
  store::putInteger(record, static_cast<std::uint8_t>(key.service));
  store::putInteger(record, static_cast<std::uint8_t>(registration.target.kind));
  putTime(record, registration.created);
  putTime(record, registration.lastRegistered);
  for (const std::string* text : {&key.device, &key.channel, &registration.domain, &target, &secret}) {
    store::putString(record, *text);
  }
  return record;
}

Result<store::Registration> decodeRecord(std::string_view node, std::string_view record) {
  store::ByteReader reader(record);
  const auto version = reader.integer<std::uint8_t>();
  if (!version || *version == 0) return damaged("it has no version.");
  if (*version > kRecordVersion) {
    return Error{"the record of a registration has format version " + std::to_string(*version) +
                 ", this p2 knows " + std::to_string(kRecordVersion) +
                 " at most. Install the newer p2 again."};
  }
  const auto serviceCode = reader.integer<std::uint8_t>();
  const auto kindCode = reader.integer<std::uint8_t>();
  const auto created = takeTime(reader);
  const auto lastRegistered = takeTime(reader);
  auto device = reader.string();
  auto channel = reader.string();
  auto domain = reader.string();
  auto target = reader.string();
  auto secret = reader.string();
  if (!secret) return damaged("it is cut short.");
  if (!reader.atEnd()) return damaged("something follows its end.");
  const auto service = store::serviceOf(*serviceCode);
  const auto kind = store::kindOf(*kindCode);
  if (!service || !kind) return damaged("its push service or kind of target is unknown.");
  return checked({std::string(node),
                  Secret(std::move(*secret)),
                  {*service, std::move(*device), std::move(*channel)},
                  std::move(*domain),
                  {*kind, Secret(std::move(*target))},
                  *created,
                  *lastRegistered});
}

std::string encodeDeviceKey(const store::DeviceKey& key) {
  std::string bytes;
  bytes.reserve(2 + key.device.size() + key.channel.size());
  store::putInteger(bytes, static_cast<std::uint8_t>(key.service));
  store::putInteger(bytes, static_cast<std::uint8_t>(key.device.size()));
  bytes.append(key.device).append(key.channel);
  return bytes;
}

}  // namespace p2::lmdb
