#include "Advice.h"

#include <Poco/Net/IPAddress.h>
#include <Poco/URI.h>

#include <algorithm>
#include <chrono>
#include <iterator>

namespace p2::settings {

namespace {

bool isLoopback(std::string host) {
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  Poco::Net::IPAddress address;
  return host == "localhost" || (Poco::Net::IPAddress::tryParse(host, address) && address.isLoopback());
}

void adviseOnFcm(const Settings::Fcm& fcm, std::vector<Advice>& advice) {
  const Poco::URI endpoint(fcm.endpoint);
  if (!fcm.serviceAccountFile.empty() && !fcm.authKey.empty()) {
    advice.push_back({"fcm.authKey", "is not used, since fcm.serviceAccountFile is set"});
  } else if (!fcm.authKey.empty() && endpoint.getHost().ends_with("googleapis.com")) {
    advice.push_back({"fcm.authKey",
                      "is for gateways other than Google's, which switched this interface off in 2024; set "
                      "fcm.serviceAccountFile, or fcm.endpoint to the gateway"});
  }
  if (endpoint.getScheme() == "http" && !isLoopback(endpoint.getHost())) {
    advice.push_back({"fcm.endpoint", "is http: tokens and keys cross the network unencrypted"});
  }
}

void adviseOnStore(const Settings& settings, std::vector<Advice>& advice) {
  const auto& store = settings.store;
  if (store.expireAfter.count() > 0 && store.expireAfter < std::chrono::hours(24 * 30)) {
    advice.push_back({"store.expireAfter",
                      "is below 30d: a phone renews its registration only when its app connects anew, which "
                      "can take weeks, and gets no push once it is removed"});
  }
  if (store.kind == StoreKind::lmdb) {
    if (!store.mariadb.password.empty()) {
      advice.push_back({"store.mariadb.password", "has no effect while store.kind is lmdb"});
    }
    return;
  }
  if (!store.mariadb.caFile.empty() && store.mariadb.tls == DatabaseTls::none) {
    advice.push_back({"store.mariadb.caFile", "has no effect while store.mariadb.tls is none"});
  }
  // A look-up may wait for a host that stands still, for two others, and behind those who asked before it.
  if (4 * store.mariadb.timeout > settings.push.deadline) {
    advice.push_back(
        {"store.mariadb.timeout",
         "is more than a quarter of push.deadline: with a host that stands still, servers are told "
         "to try again before another host is asked"});
  }
  if (store.mariadb.tls == DatabaseTls::none &&
      !std::all_of(store.mariadb.hosts.begin(), store.mariadb.hosts.end(),
                   [](const HostAndPort& host) { return isLoopback(host.host); })) {
    advice.push_back({"store.mariadb.tls", "is none: tokens cross the network unencrypted"});
  }
}

bool overlap(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::vector<std::string> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return !both.empty();
}

}  // namespace

std::vector<Advice> adviseOn(const Settings& settings) {
  std::vector<Advice> advice;
  adviseOnFcm(settings.fcm, advice);
  if (settings.fcm.timeout > settings.push.deadline) {
    advice.push_back({"fcm.timeout", "is longer than push.deadline, which ends a request first"});
  }
  if (!settings.xmpp.caFile.empty() && settings.xmpp.tls == Tls::none) {
    advice.push_back({"xmpp.caFile", "has no effect while xmpp.tls is none"});
  }
  adviseOnStore(settings, advice);
  if (overlap(settings.limits.allowDomains, settings.limits.denyDomains)) {
    advice.push_back({"limits.denyDomains", "names a domain of limits.allowDomains; it is not served"});
  }
  return advice;
}

}  // namespace p2::settings
