#include "p2/control/DaemonStatus.h"

#include "StatusFields.h"

#include <Poco/JSON/Parser.h>

#include <algorithm>
#include <exception>
#include <sstream>

namespace p2::control {

namespace {

using Time = DaemonStatus::Time;

std::int64_t seconds(Time time) {
  return time.time_since_epoch().count();
}

/// Times that no clock shows become the nearest that can be written and subtracted.
Time timeOf(std::int64_t seconds) {
  constexpr std::int64_t kEndOfYear9999 = 253402300799;
  return Time(std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, kEndOfYear9999)));
}

struct Reader {
  const Poco::JSON::Object& object;

  void operator()(const char* name, Time& value) const {
    value = timeOf(object.optValue<Poco::Int64>(name, seconds(value)));
  }
  template <class T>
  void operator()(const char* name, T& value) const {
    value = object.optValue<T>(name, value);
  }
};

}  // namespace

std::string toJson(const DaemonStatus& status) {
  std::ostringstream text;
  objectOf(status, seconds).stringify(text);
  return text.str();
}

core::Result<DaemonStatus> parseDaemonStatus(const std::string& json) {
  try {
    const auto object = Poco::JSON::Parser().parse(json).extract<Poco::JSON::Object::Ptr>();
    DaemonStatus status;
    eachField(status, Reader{*object});
    if (object->has("accessTokenExpires")) {
      status.tokenExpires = timeOf(object->getValue<Poco::Int64>("accessTokenExpires"));
    }
    if (object->has("storeFailsSince")) {
      status.storeFailsSince = timeOf(object->getValue<Poco::Int64>("storeFailsSince"));
    }
    const auto hosts = object->getArray("storeHosts");
    for (std::size_t i = 0; hosts && i < hosts->size(); ++i) {
      const auto entry = hosts->getObject(static_cast<unsigned>(i));
      eachFieldOfStoreHost(status.storeHosts.emplace_back(), Reader{*entry});
    }
    const auto services = object->getArray("services");
    for (std::size_t i = 0; services && i < services->size(); ++i) {
      const auto entry = services->getObject(static_cast<unsigned>(i));
      eachFieldOfService(status.services.emplace_back(), Reader{*entry});
    }
    const auto faults = object->getArray("faults");
    for (std::size_t i = 0; faults && i < faults->size(); ++i) {
      const auto entry = faults->getObject(static_cast<unsigned>(i));
      status.faults.push_back(
          {timeOf(entry->getValue<Poco::Int64>("time")), entry->getValue<std::string>("text")});
    }
    return status;
  } catch (const std::exception&) {
    return core::Error{"The daemon's answer cannot be read: it may be another version of p2. Restart it."};
  }
}

}  // namespace p2::control
