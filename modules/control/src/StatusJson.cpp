#include "p2/control/StatusJson.h"

#include "StatusFields.h"
#include "p2/control/PushFigures.h"
#include "p2/core/Words.h"

#include <sstream>

namespace p2::control {

namespace {

using Poco::JSON::Object;

Object quantilesJson(const PushFigures::Quantiles& quantiles) {
  Object object;
  for (const auto& [label, time] : quantiles) object.set(label, time.count());
  return object;
}

void addPushes(const std::string& metrics, Object& object) {
  const auto figures = pushFiguresIn(metrics);
  Object pushes;
  for (const auto& [outcome, number] : figures.outcomes) pushes.set(outcome, number);
  object.set("pushes", pushes);
  object.set("pushSeconds", quantilesJson(figures.wholeWay));
  object.set("fcmSeconds", quantilesJson(figures.fcmAlone));
}

void addDomains(const DomainCounts& domains, Object& object) {
  Object most;
  for (const auto& [domain, number] : domains.most) most.set(domain, number);
  object.set("domains", most);
  object.set("otherDomains", domains.otherDomains);
  object.set("withoutDomain", domains.withoutDomain);
}

}  // namespace

std::string statusJson(const DaemonStatus& status, DaemonStatus::Time now,
                       const std::optional<DomainCounts>& domains) {
  Object object = objectOf(status, core::isoTime);
  object.remove("metrics");  // they have a page of their own
  object.set("runningSeconds", (now - status.started).count());
  addPushes(status.metrics, object);
  if (domains) addDomains(*domains, object);
  std::ostringstream text;
  object.stringify(text);
  return text.str();
}

}  // namespace p2::control
