#include "p2/control/StatusJson.h"

#include "p2/control/PushFigures.h"
#include "p2/core/Words.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <sstream>

namespace p2::control {

namespace {

using Poco::JSON::Array;
using Poco::JSON::Object;

Object quantilesJson(const PushFigures::Quantiles& quantiles) {
  Object object;
  for (const auto& [label, time] : quantiles) object.set(label, time.count());
  return object;
}

Array faultsJson(const DaemonStatus& status) {
  Array list;
  for (const auto& fault : status.faults) {
    Object entry;
    entry.set("time", core::isoTime(fault.time));
    entry.set("text", fault.text);
    list.add(entry);
  }
  return list;
}

Array servicesJson(const DaemonStatus& status) {
  Array list;
  for (const auto& service : status.services) {
    Object entry;
    entry.set("key", service.key);
    entry.set("title", service.title);
    entry.set("targetsSeemGone", service.targetsSeemGone);
    entry.set("queued", service.queued);
    entry.set("workers", service.workers);
    list.add(entry);
  }
  return list;
}

void addProcess(const DaemonStatus& status, DaemonStatus::Time now, Object& object) {
  object.set("version", status.version);
  object.set("pid", status.pid);
  object.set("started", core::isoTime(status.started));
  object.set("runningSeconds", (now - status.started).count());
  object.set("settingsRead", core::isoTime(status.settingsRead));
}

void addStream(const DaemonStatus& status, Object& object) {
  object.set("connected", status.connected);
  object.set("since", core::isoTime(status.since));
  object.set("streams", status.streams);
  object.set("openStreams", status.openStreams);
  object.set("server", status.server);
  object.set("component", status.jid);
  object.set("streamFault", status.streamFault);
  object.set("unsentAnswers", status.unsentAnswers);
}

void addAccess(const DaemonStatus& status, Object& object) {
  object.set("legacyApi", status.legacy);
  object.set("accessTokenValid", status.tokenValid);
  if (status.tokenExpires) object.set("accessTokenExpires", core::isoTime(*status.tokenExpires));
  object.set("accessTokenFault", status.tokenFault);
}

void addPushes(const DaemonStatus& status, Object& object) {
  const auto figures = pushFiguresIn(status.metrics);
  Object pushes;
  for (const auto& [outcome, number] : figures.outcomes) pushes.set(outcome, number);
  object.set("pushes", pushes);
  object.set("pushSeconds", quantilesJson(figures.wholeWay));
  object.set("fcmSeconds", quantilesJson(figures.fcmAlone));
  object.set("targetsSeemGone", status.targetsSeemGone);
  object.set("queued", status.queued);
  object.set("workers", status.workers);
  object.set("services", servicesJson(status));
}

void addStore(const DaemonStatus& status, const std::optional<DomainCounts>& domains, Object& object) {
  object.set("registrations", status.registrations);
  object.set("storeBytes", status.storeBytes);
  object.set("storeFault", status.storeFault);
  if (!domains) return;
  Object most;
  for (const auto& [domain, number] : domains->most) most.set(domain, number);
  object.set("domains", most);
  object.set("otherDomains", domains->otherDomains);
  object.set("withoutDomain", domains->withoutDomain);
}

}  // namespace

std::string statusJson(const DaemonStatus& status, DaemonStatus::Time now,
                       const std::optional<DomainCounts>& domains) {
  Object object;
  addProcess(status, now, object);
  addStream(status, object);
  addAccess(status, object);
  addPushes(status, object);
  addStore(status, domains, object);
  object.set("faults", faultsJson(status));
  std::ostringstream text;
  object.stringify(text);
  return text.str();
}

}  // namespace p2::control
