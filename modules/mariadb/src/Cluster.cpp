#include "Cluster.h"

namespace p2::mariadb {

MaybeFault Cluster::admit(const Connection& connection) {
  const bool clustered = connection.isClustered();
  const bool admitted = _state.with([&](State& state) {
    if (!clustered) return !state.known;
    state.known = true;
    if (state.id.empty()) state.id = connection.clusterId();
    return state.id == connection.clusterId();
  });
  if (admitted) return std::nullopt;
  return Fault{Fault::Kind::unfit,
               "The database " + connection.name() +
                   (clustered ? " is part of another cluster than the one that p2 uses"
                                " (wsrep_cluster_state_uuid); if that was made anew, restart p2."
                              : " is not part of the cluster that p2 uses (wsrep_on); let it join, or name it"
                                " alone in store.mariadb.hosts and restart p2.")};
}

MaybeFault Cluster::admitFirst(const Connection& connection, const Options& options) {
  if (!connection.isClustered()) lookFor(options);
  return admit(connection);
}

void Cluster::lookFor(const Options& options) {
  if (options.hosts.size() < 2) return;
  for (const auto& host : options.hosts) {
    if (_state.with([](const State& state) { return state.known; })) return;
    auto opened = Connection::openAny(host, options, options.timeout);
    if (opened.ok() && opened.value()->isClustered()) _state.with([](State& state) { state.known = true; });
  }
}

}  // namespace p2::mariadb
