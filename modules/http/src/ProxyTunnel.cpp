#include "ProxyTunnel.h"

#include "ResponseHead.h"

#include <Poco/Base64Encoder.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <sstream>
#include <string_view>

namespace p2::http {

namespace {

constexpr int kAuthenticationRequired = 407;
// What is kept of a line: a status line's first words.
constexpr std::size_t kKeptLine = 64;

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
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (sent <= 0) return false;
    data.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

/// Reads until the answer is known, the proxy has closed, or `deadline`.
TunnelAnswer receiveAnswer(int fd, core::RealTime deadline) {
  TunnelAnswer answer;
  std::array<char, 1024> buffer{};
  while (answer.state() == TunnelAnswer::State::more && core::pollUntil(fd, POLLIN, deadline)) {
    const ssize_t count = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (count <= 0) break;
    answer.feed({buffer.data(), static_cast<std::size_t>(count)});
  }
  return answer;
}

std::string describeRefusal(int status, const Proxy& proxy, const std::string& target) {
  if (status == kAuthenticationRequired) {
    return std::string(proxy.user.empty() ? " wants a user and password (407)"
                                          : " wants another user or password (407)") +
           "; give them as http://user:password@host:port. Of the schemes that proxies ask for only Basic is "
           "supported, not Negotiate, NTLM or Digest.";
  }
  return " refused a tunnel to " + target + " with status " + std::to_string(status) +
         (status >= 500 ? "; see whether it can reach that host itself."
                        : "; it must allow CONNECT to that host and port.");
}

}  // namespace

TunnelAnswer::State TunnelAnswer::feed(std::string_view bytes) {
  for (const char c : bytes) {
    // The other end of a tunnel waits for our words first.
    if (_state == State::open) _state = State::malformed;
    if (_state != State::more) break;
    if (++_size > kMostHeader) {
      _state = State::malformed;
    } else if (c == '\n') {
      endLine();
    } else if (_line.size() < kKeptLine) {
      _line += c;
      const auto version = ResponseHead::kVersion.substr(0, _line.size());
      if (!_inHeader && !_line.starts_with(version)) _state = State::malformed;
    }
  }
  return _state;
}

void TunnelAnswer::endLine() {
  if (_line.ends_with('\r')) _line.pop_back();
  if (!_inHeader) {
    _status = statusOf(_line).value_or(0);
    if (_status == 0 || _status == 101) _state = State::malformed;
    if (_status >= 300) _state = State::refused;
    _inHeader = true;
  } else if (_line.empty()) {
    // Behind an interim answer comes the one that counts.
    _inHeader = false;
    if (_status >= 200) _state = State::open;
  }
  _line.clear();
}

std::optional<Fault> openTunnel(int fd, const Proxy& proxy, const std::string& target,
                                core::RealTime deadline) {
  const std::string name = "The proxy " + proxy.host + ':' + std::to_string(proxy.port);
  TunnelAnswer answer;
  if (sendAll(fd, connectRequest(proxy, target), deadline)) answer = receiveAnswer(fd, deadline);
  switch (answer.state()) {
    case TunnelAnswer::State::open:
      return std::nullopt;
    case TunnelAnswer::State::refused:
      return Fault{Fault::Kind::connect, name + describeRefusal(answer.status(), proxy, target)};
    case TunnelAnswer::State::more:
      if (std::chrono::steady_clock::now() < deadline) break;
      return Fault{Fault::Kind::timeout, name + " did not open a tunnel to " + target + " in time."};
    case TunnelAnswer::State::malformed:
      break;
  }
  return Fault{Fault::Kind::connect, name + " does not answer as an HTTP proxy; check its host and port."};
}

}  // namespace p2::http
