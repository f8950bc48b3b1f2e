#pragma once

#include "p2/control/DaemonStatus.h"
#include "p2/core/Metrics.h"
#include "p2/core/Result.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace p2::web {

/// What an operator and a monitoring system look at, over plain HTTP, read-only:
///   /             the status page
///   /status.json  what it shows; /history.json, the last day by minutes
///   /metrics      the Prometheus text format
///   /healthz      200 while the process lives
///   /readyz       200 while requests can be served, else 503 and why, a line each
/// Holds no secret, token or account. For the loopback address: whoever can reach it can read it.
/// Thread-safe.
class HttpEndpoint {
 public:
  using Look = std::function<control::DaemonStatus()>;

  /// Listens on `host` (a name or an address; IPv6 without brackets). Error: the address cannot be had; names
  /// http.listen. `look` is called in the server's threads; it and `metrics` must outlive the endpoint.
  static core::Result<std::unique_ptr<HttpEndpoint>> open(const std::string& host, std::uint16_t port,
                                                          Look look, core::Metrics& metrics);

  HttpEndpoint(const HttpEndpoint&) = delete;
  HttpEndpoint& operator=(const HttpEndpoint&) = delete;
  ~HttpEndpoint();

  /// The port listened on: for port 0, the one that the system chose.
  std::uint16_t port() const noexcept;

 private:
  class Impl;
  explicit HttpEndpoint(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> _impl;
};

/// Why requests cannot be served at the moment, a sentence each; empty if they can. Pure.
std::vector<std::string> unreadiness(const control::DaemonStatus& status);

}  // namespace p2::web
