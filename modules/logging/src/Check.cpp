#include "p2/logging/Check.h"

#include "p2/logging/Keys.h"

#include <Poco/Channel.h>
#include <Poco/Exception.h>
#include <Poco/Formatter.h>
#include <Poco/Logger.h>
#include <Poco/LoggingFactory.h>
#include <Poco/NullChannel.h>

#include <exception>
#include <string_view>

namespace p2::logging {

namespace {

using Values = std::map<std::string, std::string>;
using Faults = std::vector<Fault>;

/// "file" and "rotation" of logging.channels.file.rotation.
struct Key {
  std::string name;
  std::string property;
};

Key split(const std::string& key, std::string_view prefix) {
  const auto dot = key.find('.', prefix.size());
  if (dot == std::string::npos) return {key.substr(prefix.size()), ""};
  return {key.substr(prefix.size(), dot - prefix.size()), key.substr(dot + 1)};
}

std::string valueOf(const Values& settings, const std::string& key) {
  const auto found = settings.find(key);
  return found == settings.end() ? std::string() : found->second;
}

Poco::Channel::Ptr makeChannel(const std::string& name) {
  // The one of p2's own would connect to the journal. It has no properties.
  if (name == kJournalChannel) return new Poco::NullChannel;
  return Poco::LoggingFactory::defaultFactory().createChannel(name);
}

/// Whether Poco's configurator, and not the channel, reads this property.
bool isOfConfigurator(const std::string& property) {
  return property == "class" || property == "pattern" || property == "formatter" ||
         property.starts_with("formatter.") || property.starts_with("channel");
}

void checkProperty(Poco::Channel& channel, const std::string& key, const std::string& property,
                   const std::string& value, Faults& faults) {
  if (isOfConfigurator(property)) return;
  try {
    channel.setProperty(property, value);
  } catch (const Poco::PropertyNotSupportedException&) {
    faults.push_back({key, "is nothing that such a channel has"});
  } catch (const std::exception&) {
    faults.push_back({key, "is not what such a channel takes"});
  }
}

void checkChannel(const Values& settings, const std::string& name, Faults& faults) {
  const std::string prefix = std::string(keys::kChannels) + name + '.';
  const auto kind = valueOf(settings, prefix + "class");
  if (kind.empty()) return;  // the one that p2 defines, or it is missed where it is named
  Poco::Channel::Ptr channel;
  try {
    channel = makeChannel(kind);
  } catch (const Poco::NotFoundException&) {
    faults.push_back({prefix + "class",
                      "is no channel of Poco's; FileChannel, ConsoleChannel and SyslogChannel are some"});
    return;
  }
  for (auto entry = settings.lower_bound(prefix); entry != settings.end() && entry->first.starts_with(prefix);
       ++entry) {
    checkProperty(*channel, entry->first, entry->first.substr(prefix.size()), entry->second, faults);
  }
}

void checkFormatterClass(const std::string& key, const std::string& kind, Faults& faults) {
  try {
    const Poco::Formatter::Ptr made = Poco::LoggingFactory::defaultFactory().createFormatter(kind);
  } catch (const Poco::NotFoundException&) {
    faults.push_back({key, "is no formatter of Poco's; PatternFormatter is one"});
  }
}

void checkLogger(const Values& settings, const std::string& key, const std::string& property,
                 const std::string& value, Faults& faults) {
  if (property == "level") {
    try {
      Poco::Logger::parseLevel(value);
    } catch (const Poco::Exception&) {
      faults.push_back({key, "is no level; information is one"});
    }
  } else if (property == "channel" && value != "standard" &&
             valueOf(settings, std::string(keys::kChannels) + value + ".class").empty()) {
    faults.push_back({key, "names a channel that has no class; set one with logging.channels.NAME.class"});
  }
}

}  // namespace

std::vector<Fault> check(const Values& settings) {
  Faults faults;
  std::string last;
  for (const auto& [key, value] : settings) {
    if (key.starts_with(keys::kChannels)) {
      const auto [name, property] = split(key, keys::kChannels);
      if (name != last) checkChannel(settings, name, faults);
      last = name;
      if (property == "formatter.class") checkFormatterClass(key, value, faults);
    } else if (key.starts_with(keys::kFormatters)) {
      if (split(key, keys::kFormatters).property == "class") checkFormatterClass(key, value, faults);
    } else if (key.starts_with(keys::kLoggers)) {
      checkLogger(settings, key, split(key, keys::kLoggers).property, value, faults);
    }
  }
  return faults;
}

}  // namespace p2::logging
