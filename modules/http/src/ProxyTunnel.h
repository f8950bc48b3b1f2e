#pragma once

#include "p2/core/Poll.h"
#include "p2/http/HttpsSession.h"
#include "p2/http/Proxy.h"

#include <optional>
#include <string>

namespace p2::http {

/// Asks the proxy at the other end of `fd`, a connected socket, for a tunnel to `target` (`host:port`), and
/// waits for its answer until `deadline`. Nothing if the tunnel is open.
std::optional<Fault> openTunnel(int fd, const Proxy& proxy, const std::string& target,
                                core::RealTime deadline);

}  // namespace p2::http
