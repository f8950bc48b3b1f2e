#include "Records.h"

#include "p2/store/Validity.h"

#include <utility>
#include <vector>

namespace p2::mariadb {

namespace {

using store::Registration;
using store::Service;

/// As the reference service's table has them.
std::string_view textOf(Service service) {
  switch (service) {
    case Service::fcm:
      return "FCM";
    case Service::apns:
      return "APNS";
  }
  return "";
}

std::optional<Service> serviceOf(std::optional<std::string_view> text) {
  if (!text || *text == "FCM") return Service::fcm;
  if (*text == "APNS") return Service::apns;
  return std::nullopt;
}

std::string stringOf(const ResultSet& rows, std::size_t column) {
  return std::string(rows.text(column).value_or(""));
}

Registration::Time timeOf(const ResultSet& rows, std::size_t column) {
  return Registration::Time(std::chrono::seconds(rows.number(column)));
}

std::string secondsOf(Registration::Time time) {
  return std::to_string(time.time_since_epoch().count());
}

std::string conditionOf(const store::DeviceKey& key) {
  return "(device = " + textLiteral(key.device) + " and channel = " + textLiteral(key.channel) +
         " and service = " + textLiteral(textOf(key.service)) + ')';
}

MaybeFault readInto(Records& records, Connection& connection, const std::string& condition, Lock lock) {
  auto rows = connection.query(std::string("select ") + columnsNow() + " from target " + condition +
                               (lock == Lock::forUpdate ? " for update" : ""));
  if (!rows.ok()) return rows.fault();
  while (rows.value().next()) records.put(recordOf(rows.value()));
  return std::nullopt;
}

}  // namespace

const char* const kColumns = "node, secret, service, device, channel, domain, kind, token, created, renewed";

std::string columnsNow() {
  return "node, secret, service, device, channel, domain, " + kKindNow + ", token, created, " + kRenewedNow;
}

Record recordOf(const ResultSet& rows) {
  Record record;
  Registration& registration = record.registration;
  registration.node = stringOf(rows, 0);
  registration.secret = core::Secret(stringOf(rows, 1));
  const auto service = serviceOf(rows.text(2));
  registration.key = {service.value_or(Service{}), stringOf(rows, 3), stringOf(rows, 4)};
  registration.domain = stringOf(rows, 5);
  const auto number = rows.number(6);
  const auto kind = number >= 0 && number <= 255 ? store::kindOf(static_cast<std::uint8_t>(number))
                                                 : std::optional<core::Target::Kind>();
  registration.target = {kind.value_or(core::Target::Kind{}), core::Secret(stringOf(rows, 7))};
  registration.created = timeOf(rows, 8);
  registration.lastRegistered = timeOf(rows, 9);
  if (!service) {
    record.unreadable = "The push service is unknown.";
  } else if (!kind) {
    record.unreadable = "The kind of target is unknown.";
  } else if (auto valid = store::checkRegistration(registration); !valid.ok()) {
    record.unreadable = valid.error();
  }
  return record;
}

std::string valuesOf(const Registration& registration) {
  std::string values = "(";
  for (const std::string_view text :
       {std::string_view(registration.node), std::string_view(registration.secret.reveal()),
        textOf(registration.key.service), std::string_view(registration.key.device),
        std::string_view(registration.key.channel), std::string_view(registration.domain)}) {
    values += textLiteral(text) + ", ";
  }
  values += std::to_string(static_cast<unsigned>(registration.target.kind)) + ", " +
            textLiteral(registration.target.value.reveal()) + ", " + secondsOf(registration.created) + ", " +
            secondsOf(registration.lastRegistered) + ')';
  return values;
}

std::string listOf(std::span<const std::string> nodes) {
  std::string list;
  for (const auto& node : nodes) list += (list.empty() ? "(" : ", ") + textLiteral(node);
  return list + ')';
}

void Records::put(Record record) {
  const auto& node = record.registration.node;
  erase(node);
  if (record.registration.key.service != Service{}) _nodes[keyOf(record.registration.key)] = node;
  _records.emplace(node, std::move(record));
}

void Records::erase(const std::string& node) {
  const auto found = _records.find(node);
  if (found == _records.end()) return;
  const auto owner = _nodes.find(keyOf(found->second.registration.key));
  if (owner != _nodes.end() && owner->second == node) _nodes.erase(owner);
  _records.erase(found);
}

const Record* Records::find(const Name& name) const {
  if (const auto* node = std::get_if<std::string>(&name)) return ofNode(*node);
  return ofDevice(std::get<store::DeviceKey>(name));
}

const Record* Records::ofNode(const std::string& node) const {
  const auto found = _records.find(node);
  return found == _records.end() ? nullptr : &found->second;
}

const Record* Records::ofDevice(const store::DeviceKey& key) const {
  const auto found = _nodes.find(keyOf(key));
  return found == _nodes.end() ? nullptr : ofNode(found->second);
}

Outcome<Records> readRecords(Connection& connection, std::span<const Name* const> names, Lock lock) {
  std::vector<std::string> nodes;
  std::string devices;
  for (const Name* name : names) {
    if (const auto* node = std::get_if<std::string>(name)) {
      nodes.push_back(*node);
    } else {
      devices += (devices.empty() ? "" : " or ") + conditionOf(std::get<store::DeviceKey>(*name));
    }
  }
  Records records;
  if (!nodes.empty()) {
    if (auto fault = readInto(records, connection, "where node in " + listOf(nodes), lock)) return *fault;
  }
  // What is locked must not depend on how many rows the optimiser takes for few.
  if (!devices.empty()) {
    if (auto fault = readInto(records, connection, "force index (device) where " + devices, lock)) {
      return *fault;
    }
  }
  return records;
}

}  // namespace p2::mariadb
