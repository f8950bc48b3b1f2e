#pragma once

#include "Connection.h"
#include "Fault.h"
#include "Hosts.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

namespace p2::mariadb {

/// One thread's connection, which is made anew, to another host if need be, when it has failed. Used by one
/// thread at a time.
class Session {
 public:
  /// `hosts` must outlive it.
  explicit Session(Hosts& hosts) : _hosts(hosts) {}

  /// The connection, made now if there is none. Blocks as Hosts::connect() does.
  Outcome<Connection*> connection(Hosts::Since since = std::nullopt);
  /// Lets the connection go if the fault says so.
  void note(const Fault& fault);

  /// What `work`, an Outcome-giving function of a Connection that only reads, comes to: once more over a
  /// connection made anew if the first one was lost, as an idle one may be.
  template <class Work>
  auto read(const Work& work, Hosts::Since since = std::nullopt)
      -> decltype(work(std::declval<Connection&>())) {
    const bool fresh = _connection == nullptr;
    auto outcome = attempt(work, since);
    if (outcome.ok() || fresh || _connection != nullptr) return outcome;
    return attempt(work, since);
  }

 private:
  template <class Work>
  auto attempt(const Work& work, Hosts::Since since) -> decltype(work(std::declval<Connection&>())) {
    auto ready = connection(since);
    if (!ready.ok()) return ready.fault();
    auto outcome = work(*ready.value());
    if (!outcome.ok()) note(outcome.fault());
    return outcome;
  }

  Hosts& _hosts;
  std::unique_ptr<Connection> _connection;
  std::size_t _host = 0;
};

}  // namespace p2::mariadb
