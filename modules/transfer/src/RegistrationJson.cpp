#include "p2/transfer/RegistrationJson.h"

#include "p2/core/Words.h"
#include "p2/transfer/TableDump.h"

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <Poco/JSON/Stringifier.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <exception>
#include <sstream>
#include <utility>

namespace p2::transfer {

namespace {

using store::Registration;

constexpr std::string_view kTokenKind = "token";
constexpr std::string_view kInstallationKind = "installationId";

/// Appends `"name":"value"` and what goes before it.
void append(std::ostream& out, std::string_view name, const std::string& value) {
  out << (name == "service" ? "{\"" : ",\"") << name << "\":";
  Poco::JSON::Stringifier::formatString(value, out);
}

std::string_view kindName(core::Target::Kind kind) {
  switch (kind) {
    case core::Target::Kind::registrationToken:
      return kTokenKind;
    case core::Target::Kind::installationId:
      return kInstallationKind;
  }
  return kTokenKind;
}

/// Puts one member into its place, or says what is wrong with it.
core::Result<void> take(Registration& registration, const std::string& name, std::string value) {
  if (name == "service") {
    const auto service = parseService(value);
    if (!service) return core::Error{service.error()};
    registration.key.service = service.value();
  } else if (name == "device") {
    registration.key.device = std::move(value);
  } else if (name == "channel") {
    registration.key.channel = std::move(value);
  } else if (name == "domain") {
    registration.domain = std::move(value);
  } else if (name == "kind") {
    if (value != kTokenKind && value != kInstallationKind) return core::Error{"its kind is not known"};
    registration.target.kind =
        value == kTokenKind ? core::Target::Kind::registrationToken : core::Target::Kind::installationId;
  } else if (name == "token") {
    registration.target.value = core::Secret(std::move(value));
  } else if (name == "node") {
    registration.node = std::move(value);
  } else if (name == "secret") {
    registration.secret = core::Secret(std::move(value));
  } else if (name == "created" || name == "lastRegistered") {
    const auto time = core::parseIsoTime(value);
    if (!time) return core::Error{"its time " + name + " does not look like 2024-01-31T00:00:00Z"};
    (name == "created" ? registration.created : registration.lastRegistered) = *time;
  } else {
    return core::Error{"it has a member that this p2 does not know: it may come from a newer one"};
  }
  return {};
}

}  // namespace

std::string toJsonLine(const Registration& registration) {
  std::ostringstream out;
  append(out, "service", std::string(store::nameOf(registration.key.service)));
  append(out, "device", registration.key.device);
  append(out, "channel", registration.key.channel);
  append(out, "domain", registration.domain);
  append(out, "kind", std::string(kindName(registration.target.kind)));
  append(out, "token", registration.target.value.reveal());
  append(out, "node", registration.node);
  append(out, "secret", registration.secret.reveal());
  append(out, "created", core::isoTime(registration.created));
  append(out, "lastRegistered", core::isoTime(registration.lastRegistered));
  out << '}';
  return out.str();
}

core::Result<Registration> fromJsonLine(const std::string& line) {
  try {
    Poco::JSON::Parser parser;
    const auto parsed = parser.parse(line);
    if (parsed.type() != typeid(Poco::JSON::Object::Ptr)) return core::Error{"it is not a JSON object"};
    const auto& object = parsed.extract<Poco::JSON::Object::Ptr>();
    for (const std::string name : {"service", "domain"}) {
      if (!object->has(name)) return core::Error{"it has no " + name};
    }
    Registration registration;
    for (const auto& [name, value] : *object) {
      if (!value.isString()) return core::Error{"it has a member that is not a text"};
      auto taken = take(registration, name, value.extract<std::string>());
      if (!taken) return core::Error{taken.error()};
    }
    return checkedRow(std::move(registration));
  } catch (const std::exception&) {
    return core::Error{"it is not valid JSON"};
  }
}

}  // namespace p2::transfer
