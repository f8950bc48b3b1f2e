#include "p2/control/DaemonStatus.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
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

/// Calls `field(name, member)` for every plain member: writing and reading share the one list.
template <class Status, class Field>
void eachField(Status& status, Field field) {
  field("version", status.version);
  field("pid", status.pid);
  field("started", status.started);
  field("settingsRead", status.settingsRead);
  field("server", status.server);
  field("component", status.jid);
  field("streams", status.streams);
  field("openStreams", status.openStreams);
  field("connected", status.connected);
  field("since", status.since);
  field("streamFault", status.streamFault);
  field("unsentAnswers", status.unsentAnswers);
  field("legacyApi", status.legacy);
  field("accessTokenValid", status.tokenValid);
  field("accessTokenFault", status.tokenFault);
  field("targetsSeemGone", status.targetsSeemGone);
  field("queued", status.queued);
  field("workers", status.workers);
  field("registrations", status.registrations);
  field("storeBytes", status.storeBytes);
  field("storeFault", status.storeFault);
  field("metrics", status.metrics);
}

template <class Service, class Field>
void eachFieldOfService(Service& service, Field field) {
  field("key", service.key);
  field("title", service.title);
  field("targetsSeemGone", service.targetsSeemGone);
  field("queued", service.queued);
  field("workers", service.workers);
}

struct Writer {
  Poco::JSON::Object& object;

  void operator()(const char* name, Time value) const { object.set(name, seconds(value)); }
  template <class T>
  void operator()(const char* name, const T& value) const {
    object.set(name, value);
  }
};

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
  Poco::JSON::Object object;
  eachField(status, Writer{object});
  if (status.tokenExpires) object.set("accessTokenExpires", seconds(*status.tokenExpires));
  Poco::JSON::Array services;
  for (const auto& service : status.services) {
    Poco::JSON::Object entry;
    eachFieldOfService(service, Writer{entry});
    services.add(entry);
  }
  object.set("services", services);
  Poco::JSON::Array faults;
  for (const auto& fault : status.faults) {
    Poco::JSON::Object entry;
    entry.set("time", seconds(fault.time));
    entry.set("text", fault.text);
    faults.add(entry);
  }
  object.set("faults", faults);
  std::ostringstream text;
  object.stringify(text);
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
