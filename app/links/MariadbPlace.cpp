#include "links/MariadbPlace.h"

#include "links/MariadbOptions.h"
#include "p2/core/Words.h"
#include "p2/mariadb/Inspection.h"
#include "p2/mariadb/Store.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <sysexits.h>
#include <utility>

namespace p2::app {

namespace {

template <class Opened>
core::Result<std::unique_ptr<store::RegistrationStore>> asStore(Opened opened) {
  if (!opened) return core::Error{opened.error()};
  return std::unique_ptr<store::RegistrationStore>(std::move(opened).value());
}

bool serves(const mariadb::HostReport& host) {
  return host.fault.empty();
}

std::string inWords(const mariadb::HostReport& host) {
  auto text = host.name + " serves: " + host.version;
  if (host.nodes > 0) text += ", a cluster of " + std::to_string(host.nodes);
  text += host.cipher.empty() ? ", without TLS" : ", TLS with " + host.cipher;
  if (!host.flushes && host.clustered) {
    text +=
        "; what phones register is lost if all nodes lose power at once (innodb_flush_log_at_trx_commit is "
        "not 1)";
  }
  return text + (host.hasTables ? "" : "; there are no tables yet, p2 makes them when it starts");
}

/// Empty if there are as many as are named, or more.
std::string doubtOfNodes(const mariadb::HostReport& host, std::size_t named) {
  if (host.nodes == 0 || host.nodes >= named) return {};
  return "the cluster of " + host.name + " has " + std::to_string(host.nodes) +
         (host.nodes == 1 ? " node" : " nodes") + ", and store.mariadb.hosts names " + std::to_string(named) +
         ": the others are down or cut off, or are of no cluster.";
}

/// Hosts that do not share what they hold are one for another only as replicas are.
std::string doubtOfCluster(const mariadb::HostReport& host, const std::vector<mariadb::HostReport>& named) {
  if (named.size() < 2) return {};
  const bool anyClustered =
      std::any_of(named.begin(), named.end(), [](const auto& other) { return other.clustered; });
  if (!host.clustered && anyClustered) {
    return host.name +
           " is not part of a cluster, as others in store.mariadb.hosts are: p2 does not use it. See "
           "wsrep_on and wsrep_cluster_address there.";
  }
  if (!host.clustered) {
    return host.name + " is not part of a cluster, and store.mariadb.hosts names " +
           std::to_string(named.size()) +
           ": what phones register there the others lack, and a replica lacks what it has yet to copy. Set "
           "read_only = ON on each replica until it takes over, or name one host alone.";
  }
  const auto other = std::find_if(named.begin(), named.end(), [&](const auto& report) {
    return !report.clusterId.empty() && report.clusterId != host.clusterId;
  });
  if (other == named.end()) return {};
  return host.name + " is part of another cluster than " + other->name +
         ": p2 uses the one that it reaches first. Name the nodes of one in store.mariadb.hosts.";
}

std::string doubtOfPower(const mariadb::HostReport& host) {
  if (host.flushes || host.clustered) return {};
  return host.name +
         " writes to its disk once a second only: what phones have just registered is lost if its machine "
         "loses power. Set innodb_flush_log_at_trx_commit = 1 there.";
}

/// What others write is dated by the database's clock, and expires by this machine's.
std::string doubtOfClock(const mariadb::HostReport& host) {
  constexpr std::chrono::minutes kTolerated{10};
  if (std::chrono::abs(host.clockIsAhead) <= kTolerated) return {};
  const bool ahead = host.clockIsAhead > std::chrono::seconds::zero();
  return "the clock of " + host.name + " is " + core::inWords(std::chrono::abs(host.clockIsAhead)) +
         (ahead ? " ahead of" : " behind") + " this machine's: see which is wrong, and set it by NTP.";
}

}  // namespace

MariadbPlace::MariadbPlace(const settings::Settings::Store& settings)
    : _options(mariadbOptions(settings.mariadb)) {
  _options.keepDomain = settings.keepDomain;
}

core::Result<std::unique_ptr<store::RegistrationStore>> MariadbPlace::start() const {
  return asStore(mariadb::Store::start(_options));
}

core::Result<std::unique_ptr<store::RegistrationStore>> MariadbPlace::open(bool /*forImport*/) const {
  return asStore(mariadb::Store::open(_options));
}

core::Result<std::unique_ptr<const store::RegistrationStore>> MariadbPlace::openReadOnly() const {
  auto opened = mariadb::Store::openReadOnly(_options);
  if (!opened) return core::Error{opened.error()};
  return std::unique_ptr<const store::RegistrationStore>(std::move(opened).value());
}

core::Result<StorePlace::Copy> MariadbPlace::openForBackup() const {
  return core::Error{
      "The registrations are in MariaDB: use its own backup, such as mariadb-backup, or "
      "mariadb-dump --single-transaction " +
      _options.database + "; p2 export writes them as lines of text."};
}

bool MariadbPlace::exists() const {
  const auto hosts = mariadb::inspectHosts(_options);
  return std::none_of(hosts.begin(), hosts.end(),
                      [](const auto& host) { return serves(host) && !host.hasTables; });
}

/// That a host does not serve is a fault only if none does.
std::vector<Remark> MariadbPlace::remarks() const {
  const auto hosts = mariadb::inspectHosts(_options);
  const bool anyServes = std::any_of(hosts.begin(), hosts.end(), serves);
  const bool allRefuse =
      std::all_of(hosts.begin(), hosts.end(), [](const auto& host) { return host.refuses; });
  std::vector<Remark> remarks;
  for (const auto& host : hosts) {
    if (!serves(host)) {
      remarks.push_back({anyServes ? Remark::Kind::doubt : Remark::Kind::fault, host.fault,
                         allRefuse ? EX_CONFIG : EX_UNAVAILABLE});
      continue;
    }
    remarks.push_back({Remark::Kind::good, inWords(host)});
    for (const auto& doubt : {doubtOfCluster(host, hosts), doubtOfNodes(host, hosts.size()),
                              doubtOfPower(host), doubtOfClock(host)}) {
      if (!doubt.empty()) remarks.push_back({Remark::Kind::doubt, doubt});
    }
  }
  return remarks;
}

/// The daemon starts without its database: what keeps it from starting does not pass.
int MariadbPlace::exitCodeOf(Use use) const {
  switch (use) {
    case Use::start:
      return EX_CONFIG;
    case Use::change:
    case Use::read:
      return EX_UNAVAILABLE;
    case Use::backup:
      return EX_USAGE;
  }
  return EX_SOFTWARE;
}

std::string MariadbPlace::name() const {
  return "the database " + _options.database + " in MariaDB";
}

}  // namespace p2::app
