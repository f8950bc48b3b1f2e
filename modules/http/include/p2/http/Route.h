#pragma once

#include <Poco/Net/Session.h>
#include <Poco/Net/SocketAddress.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace p2::http {

using Address = Poco::Net::SocketAddress;

/// Gives the addresses of a host in the order in which they are to be tried; none if it has none, or if that
/// could not be found out. May block. `host` is an address or a name in ASCII.
using Resolver = std::function<std::vector<Address>(const std::string& host, std::uint16_t port)>;

/// The system's resolver, in its own order (RFC 6724). Nothing bounds how long it takes but the system's
/// settings (resolv.conf: `timeout`, `attempts`): with a name server that is gone, some 5 to 30 s.
std::vector<Address> resolve(const std::string& host, std::uint16_t port);

/// Whether `host` is an address and not a name: then it is not sent as a server's name (RFC 6066 §3).
bool isAddress(const std::string& host);
/// `host` as the DNS and certificates have it: labels beyond ASCII in Punycode (RFC 5891). What is no name at
/// all is given back.
std::string asciiHost(const std::string& host);

/// What is known of the way to one host and port: which of its addresses were good, and the TLS session to
/// resume. Shared by the connections that go there with the same TlsContext. Thread-safe.
class Route {
 public:
  /// More addresses of a host are not tried.
  static constexpr std::size_t kMostAddresses = 16;
  /// When the resolver has no answer, its last one is good for so long: a name server that is gone does not
  /// take with it a service that is not.
  static constexpr std::chrono::hours kAnswerLife{1};

  /// `first`: which of the resolver's addresses comes first, counted in turns, so that several connections to
  /// a cluster do not all end at one node.
  explicit Route(Resolver resolver = &resolve, std::size_t first = 0);
  Route(const Route&) = delete;
  Route& operator=(const Route&) = delete;

  /// The addresses of `host`, which is always the same, the last good one first, those that failed since then
  /// last. Blocks as long as the resolver.
  std::vector<Address> addresses(const std::string& host, std::uint16_t port);
  /// `address` served as it should.
  void succeeded(const Address& address);
  /// `address` did not, or what answers there refuses us.
  void failed(const Address& address);

  /// The TLS session of the last connection; null if there is none.
  Poco::Net::Session::Ptr session() const;
  void keepSession(const Poco::Net::Session::Ptr& session);

 private:
  std::size_t rank(const Address& address) const;

  const Resolver _resolver;
  const std::size_t _first;
  mutable std::mutex _mutex;  // for what follows
  std::vector<Address> _answer;
  std::chrono::steady_clock::time_point _answeredAt{};
  std::vector<Address> _good;    // at most one
  std::vector<Address> _failed;  // the last to fail is last
  Poco::Net::Session::Ptr _session;
};

}  // namespace p2::http
