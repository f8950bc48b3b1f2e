#include "links/FcmLink.h"

#include "p2/fcm/ServiceAccount.h"
#include "p2/http/Proxy.h"
#include "p2/http/Url.h"

#include <cstdlib>
#include <initializer_list>
#include <string_view>
#include <utility>

namespace p2::app {

namespace {

fcm::MessageSettings::Priority priorityOf(settings::Priority priority) {
  switch (priority) {
    case settings::Priority::high:
      return fcm::MessageSettings::Priority::high;
    case settings::Priority::normal:
      return fcm::MessageSettings::Priority::normal;
    case settings::Priority::automatic:
      return fcm::MessageSettings::Priority::automatic;
  }
  return fcm::MessageSettings::Priority::high;
}

/// The proxy of the settings, which have taken HTTPS_PROXY into account, with the exceptions of NO_PROXY.
core::Result<std::optional<http::Proxy>> proxyOf(const settings::Settings::Fcm& settings) {
  if (settings.proxy.empty()) return std::optional<http::Proxy>();
  auto proxy = http::Proxy::parse(settings.proxy.reveal());
  if (!proxy) return core::Error{"fcm.proxy " + proxy.error()};
  const auto fromEnvironment =
      http::Proxy::fromEnvironment([](const char* name) { return std::getenv(name); });
  if (fromEnvironment && fromEnvironment.value())
    proxy.value().exceptions = fromEnvironment.value()->exceptions;
  return std::optional(std::move(proxy).value());
}

core::Result<fcm::FcmConfig> configOf(const settings::Settings::Fcm& settings) {
  auto endpoint = http::Url::parse(settings.endpoint);
  if (!endpoint) return core::Error{"fcm.endpoint " + endpoint.error()};
  auto proxy = proxyOf(settings);
  if (!proxy) return core::Error{proxy.error()};

  fcm::FcmConfig config;
  config.endpoint = std::move(endpoint).value();
  config.message.priority = priorityOf(settings.priority);
  config.message.collapse = settings.collapse;
  config.message.ttl = settings.ttl;
  config.authKey = settings.authKey;
  config.timeout = settings.timeout;
  config.proxy = std::move(proxy).value();
  return config;
}

core::Secret identityOf(const settings::Settings::Fcm& settings,
                        std::initializer_list<std::string_view> account) {
  std::string text = settings.endpoint;
  for (const std::string_view part : {settings.authKey.reveal(), settings.proxy.reveal()})
    text.append(1, '\n').append(part);
  for (const std::string_view part : account) text.append(1, '\n').append(part);
  return core::Secret(std::move(text));
}

}  // namespace

core::Result<FcmLink> FcmLink::make(const settings::Settings::Fcm& settings, core::Metrics& metrics,
                                    bool validateOnly) {
  auto config = configOf(settings);
  if (!config) return core::Error{config.error()};
  config.value().message.validateOnly = validateOnly;
  auto tls = http::TlsContext::create({settings.caFile.string(), "fcm.caFile"});
  if (!tls) return core::Error{tls.error()};

  FcmLink link;
  link.config = std::move(config).value();
  link.tls = std::move(tls).value();
  if (settings.serviceAccountFile.empty()) {
    if (auto warning = fcm::legacyWarning(link.config.endpoint)) link.warnings.push_back(std::move(*warning));
    link.makeSender = fcm::makeLegacySenders(link.config, link.tls, metrics);
    link.identity = identityOf(settings, {});
    return link;
  }
  const auto account = fcm::ServiceAccount::load(settings.serviceAccountFile.string());
  if (!account) return core::Error{"fcm.serviceAccountFile: " + account.error()};
  fcm::AccessTokenSource::Options options;
  options.proxy = link.config.proxy;
  link.config.projectId = account.value().projectId;
  link.tokens = std::make_shared<fcm::AccessTokenSource>(account.value(), link.tls, options, metrics);
  link.identity = identityOf(
      settings, {account.value().projectId, account.value().clientEmail, account.value().privateKeyId});
  link.makeSender = fcm::makeV1Senders(link.config, link.tls, link.tokens, metrics);
  return link;
}

}  // namespace p2::app
