#pragma once

#include "Connection.h"
#include "Fault.h"
#include "Hosts.h"
#include "p2/core/Guarded.h"
#include "p2/mariadb/Options.h"

#include <string>

namespace p2::mariadb {

/// Of which cluster the hosts are, from when one of them was seen to be of one. Thread-safe.
class Cluster {
 public:
  /// A fault if the connection's host, though it serves, is outside of the cluster: one that has come up
  /// without its settings lacks what phones have registered since, and the others lack what they register
  /// there.
  MaybeFault admit(const Connection& connection);
  /// The same of the first one: if its host is of no cluster, the others are asked whether they are of one,
  /// serve it or not, as what begins with such a host would stay there. Blocks, for each up to some times the
  /// timeout.
  MaybeFault admitFirst(const Connection& connection, const Options& options);
  /// That for each connection of a command. It and `options` must outlive what this gives.
  Hosts::Welcome welcome(const Options& options) {
    return [this, &options](const Connection& connection) { return admitFirst(connection, options); };
  }

 private:
  void lookFor(const Options& options);

  struct State {
    bool known = false;
    std::string id;  ///< Empty until a host of it has served.
  };

  core::Guarded<State> _state;
};

}  // namespace p2::mariadb
