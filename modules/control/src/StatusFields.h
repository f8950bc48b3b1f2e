#pragma once

#include "p2/control/DaemonStatus.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

namespace p2::control {

/// Calls `field(name, member)` for every plain member: whoever writes or reads them shares the one list.
template <class Status, class Field>
void eachField(Status& status, Field field) {
  field("version", status.version);
  field("instance", status.instance);
  field("pid", status.pid);
  field("started", status.started);
  field("settingsRead", status.settingsRead);
  field("clockFault", status.clockFault);
  field("server", status.server);
  field("component", status.jid);
  field("streams", status.streams);
  field("openStreams", status.openStreams);
  field("connected", status.connected);
  field("standingBy", status.standingBy);
  field("since", status.since);
  field("streamFault", status.streamFault);
  field("secondFault", status.secondFault);
  field("unsentAnswers", status.unsentAnswers);
  field("legacyApi", status.legacy);
  field("accessTokenValid", status.tokenValid);
  field("accessTokenFault", status.tokenFault);
  field("targetsSeemGone", status.targetsSeemGone);
  field("queued", status.queued);
  field("workers", status.workers);
  field("registrations", status.registrations);
  field("storeBytes", status.storeBytes);
  field("store", status.store);
  field("storeFault", status.storeFault);
  field("metrics", status.metrics);
}

/// The same for a push service.
template <class Service, class Field>
void eachFieldOfService(Service& service, Field field) {
  field("key", service.key);
  field("title", service.title);
  field("targetsSeemGone", service.targetsSeemGone);
  field("queued", service.queued);
  field("workers", service.workers);
}

/// The same for a host of the database.
template <class Host, class Field>
void eachFieldOfStoreHost(Host& host, Field field) {
  field("name", host.name);
  field("used", host.used);
  field("fault", host.fault);
}

/// Puts members into an object, times as `TimeForm` has them.
template <class TimeForm>
struct FieldWriter {
  Poco::JSON::Object& object;
  TimeForm timeForm;

  void operator()(const char* name, DaemonStatus::Time value) const { object.set(name, timeForm(value)); }
  template <class T>
  void operator()(const char* name, const T& value) const {
    object.set(name, value);
  }
};

/// All that a daemon tells, as one object.
template <class TimeForm>
Poco::JSON::Object objectOf(const DaemonStatus& status, TimeForm timeForm) {
  Poco::JSON::Object object;
  eachField(status, FieldWriter<TimeForm>{object, timeForm});
  if (status.tokenExpires) object.set("accessTokenExpires", timeForm(*status.tokenExpires));
  Poco::JSON::Array services;
  for (const auto& service : status.services) {
    Poco::JSON::Object entry;
    eachFieldOfService(service, FieldWriter<TimeForm>{entry, timeForm});
    services.add(entry);
  }
  object.set("services", services);
  if (status.storeFailsSince) object.set("storeFailsSince", timeForm(*status.storeFailsSince));
  Poco::JSON::Array hosts;
  for (const auto& host : status.storeHosts) {
    Poco::JSON::Object entry;
    eachFieldOfStoreHost(host, FieldWriter<TimeForm>{entry, timeForm});
    hosts.add(entry);
  }
  object.set("storeHosts", hosts);
  Poco::JSON::Array faults;
  for (const auto& fault : status.faults) {
    Poco::JSON::Object entry;
    entry.set("time", timeForm(fault.time));
    entry.set("text", fault.text);
    faults.add(entry);
  }
  object.set("faults", faults);
  return object;
}

}  // namespace p2::control
