#include "ProxyTunnel.h"

#include "ResponseHead.h"

#include <Poco/Base64Encoder.h>
#include <sys/socket.h>

#include <array>
#include <sstream>
#include <string_view>

namespace p2::http {

namespace {

constexpr std::size_t kMostAnswer = 8192;
constexpr int kAuthenticationRequired = 407;
constexpr std::string_view kHeaderEnd = "\r\n\r\n";

std::string base64(const std::string& text) {
  std::ostringstream out;
  Poco::Base64Encoder encoder(out);
  encoder.rdbuf()->setLineLength(0);
  encoder << text;
  encoder.close();
  return out.str();
}

std::string connectRequest(const Proxy& proxy, const std::string& target) {
  std::string request = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n";
  if (!proxy.user.empty()) {
    request += "Proxy-Authorization: Basic " + base64(proxy.user + ':' + proxy.password.reveal()) + "\r\n";
  }
  return request + "\r\n";
}

bool sendAll(int fd, std::string_view data, core::RealTime deadline) {
  while (!data.empty()) {
    if (!core::pollUntil(fd, POLLOUT, deadline)) return false;
    const ssize_t sent = ::send(fd, data.data(), data.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    data.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

/// The answer's header; empty if it did not come, or is not one.
std::string receiveHeader(int fd, core::RealTime deadline) {
  std::string header;
  std::array<char, 1024> buffer{};
  while (!header.ends_with(kHeaderEnd)) {
    if (header.size() > kMostAnswer || header.find(kHeaderEnd) != std::string::npos) return {};
    if (!core::pollUntil(fd, POLLIN, deadline)) return {};
    const ssize_t count = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (count <= 0) return {};
    header.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return header;
}

}  // namespace

std::optional<Fault> openTunnel(int fd, const Proxy& proxy, const std::string& target,
                                core::RealTime deadline) {
  const std::string name = "The proxy " + proxy.host + ':' + std::to_string(proxy.port);
  std::string header;
  if (sendAll(fd, connectRequest(proxy, target), deadline)) header = receiveHeader(fd, deadline);

  if (header.empty() && std::chrono::steady_clock::now() >= deadline) {
    return Fault{Fault::Kind::timeout, name + " did not open a tunnel to " + target + " in time."};
  }
  const auto status = statusOf(header);
  if (!status) {
    return Fault{Fault::Kind::connect, name + " does not answer as an HTTP proxy; check its host and port."};
  }
  if (*status == kAuthenticationRequired) {
    return Fault{Fault::Kind::connect, name +
                                           " wants another user or password (407); give them as "
                                           "http://user:password@host:port."};
  }
  if (*status < 200 || *status > 299) {
    return Fault{Fault::Kind::connect, name + " refused a tunnel to " + target + " with status " +
                                           std::to_string(*status) + "; it must allow CONNECT to that port."};
  }
  return std::nullopt;
}

}  // namespace p2::http
