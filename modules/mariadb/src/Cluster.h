#pragma once

#include "Connection.h"
#include "Fault.h"
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
  /// Sees whether any of several hosts is part of a cluster, serve it or not. Blocks, for each up to some
  /// times the timeout.
  void lookFor(const Options& options);

 private:
  struct State {
    bool known = false;
    std::string id;  ///< Empty until a host of it has served.
  };

  core::Guarded<State> _state;
};

}  // namespace p2::mariadb
