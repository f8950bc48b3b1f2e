#pragma once

#include "p2/core/Poll.h"
#include "p2/http/Route.h"

#include <Poco/Net/StreamSocket.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace p2::http {

/// Connects to one of a host's addresses, and to another if that turns out to be of no use. An address that
/// does not answer soon is not waited for before the next is tried beside it (RFC 8305 §5). Used by one
/// thread.
class Dial {
 public:
  struct Options {
    std::chrono::milliseconds attemptDelay{250};     ///< From one attempt to the next.
    std::chrono::milliseconds connectTimeout{5000};  ///< For each address.
    /// A peer that does not acknowledge what it is sent is given up after so long (TCP_USER_TIMEOUT); 0: when
    /// the system does, a quarter of an hour.
    std::chrono::milliseconds userTimeout{0};
    int cancel = -1;  ///< A descriptor: once it can be read, next() gives nothing. -1: none.
  };

  struct Reached {
    Poco::Net::StreamSocket socket;  ///< Does not block, sends at once.
    Address address;
  };

  /// Begins nothing yet.
  Dial(std::vector<Address> addresses, const Options& options);
  Dial(const Dial&) = delete;
  Dial& operator=(const Dial&) = delete;

  /// The first that takes a connection, of those that were not given before. Blocks. Nothing if all have
  /// failed, or `deadline` has come, or Options::cancel.
  std::optional<Reached> next(core::RealTime deadline);
  /// Whether there are addresses that have neither been given nor have failed.
  bool hasMore() const noexcept { return _next < _addresses.size() || !_attempts.empty(); }
  /// Why there is no connection, as a clause.
  const std::string& fault() const noexcept { return _fault; }
  /// The addresses that have failed so far.
  const std::vector<Address>& failed() const noexcept { return _failed; }

 private:
  struct Attempt {
    Reached reached;
    core::RealTime until;
  };

  void begin(core::RealTime now);
  bool wait(core::RealTime until);
  std::optional<Reached> harvest(core::RealTime now);
  void fail(const Address& address, int error);

  const std::vector<Address> _addresses;
  const Options _options;
  std::size_t _next = 0;
  core::RealTime _nextAt{};
  std::vector<Attempt> _attempts;
  std::vector<Address> _failed;
  std::string _fault = "no time was left";
  bool _faultTells = false;
};

}  // namespace p2::http
