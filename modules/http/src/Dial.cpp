#include "p2/http/Dial.h"

#include <Poco/Exception.h>
#include <Poco/Net/StreamSocketImpl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace p2::http {

namespace {

/// The socket's own error, 0 while there is none.
int errorOf(int fd) {
  int error = 0;
  socklen_t size = sizeof(error);
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

bool isReady(int fd, short events) {
  pollfd entry{fd, events, 0};
  return ::poll(&entry, 1, 0) > 0;
}

/// A family that this machine does not speak says nothing about the host.
bool isOurLack(int error) {
  return error == ENETUNREACH || error == EAFNOSUPPORT || error == EADDRNOTAVAIL;
}

}  // namespace

Dial::Dial(std::vector<Address> addresses, const Options& options)
    : _addresses(std::move(addresses)), _options(options) {}

std::optional<Dial::Reached> Dial::next(core::RealTime deadline) {
  for (;;) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline) return std::nullopt;
    if (auto reached = harvest(now)) return reached;
    const bool more = _next < _addresses.size();
    if (more && (_attempts.empty() || now >= _nextAt)) {
      begin(now);
      continue;
    }
    if (_attempts.empty()) return std::nullopt;
    auto until = more ? std::min(deadline, _nextAt) : deadline;
    for (const Attempt& attempt : _attempts) until = std::min(until, attempt.until);
    if (!wait(until)) return std::nullopt;
  }
}

void Dial::begin(core::RealTime now) {
  const Address& address = _addresses[_next++];
  _nextAt = now + _options.attemptDelay;
  const int fd = ::socket(address.af(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return fail(address, errno);
  Poco::Net::StreamSocket socket(new Poco::Net::StreamSocketImpl(fd));
  socket.setBlocking(false);
  if (::connect(fd, address.addr(), address.length()) != 0 && errno != EINPROGRESS && errno != EINTR) {
    return fail(address, errno);
  }
  _attempts.push_back({{socket, address}, now + _options.connectTimeout});
}

/// False if it was cancelled.
bool Dial::wait(core::RealTime until) {
  std::vector<pollfd> entries;
  for (const Attempt& attempt : _attempts)
    entries.push_back({attempt.reached.socket.impl()->sockfd(), POLLOUT, 0});
  if (_options.cancel >= 0) entries.push_back({_options.cancel, POLLIN, 0});
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
  const auto most = std::chrono::milliseconds(60000);
  ::poll(entries.data(), entries.size(), static_cast<int>(std::clamp(left, left.zero(), most).count()));
  return _options.cancel < 0 || !isReady(_options.cancel, POLLIN);
}

/// The first attempt that is connected. Forgets those that have failed.
std::optional<Dial::Reached> Dial::harvest(core::RealTime now) {
  for (auto attempt = _attempts.begin(); attempt != _attempts.end();) {
    const int fd = attempt->reached.socket.impl()->sockfd();
    const bool ready = isReady(fd, POLLOUT);
    const int error = ready ? errorOf(fd) : ETIMEDOUT;
    if (!ready && now < attempt->until) {
      ++attempt;
      continue;
    }
    Reached reached = std::move(attempt->reached);
    attempt = _attempts.erase(attempt);
    if (error == 0) {
      reached.socket.setNoDelay(true);
      if (_options.userTimeout.count() > 0) {
        reached.socket.setOption(IPPROTO_TCP, TCP_USER_TIMEOUT,
                                 static_cast<int>(_options.userTimeout.count()));
      }
      return reached;
    }
    fail(reached.address, error);
  }
  return std::nullopt;
}

/// The next address is not waited for.
void Dial::fail(const Address& address, int error) {
  _nextAt = {};
  _failed.push_back(address);
  if (_faultTells) return;
  _faultTells = !isOurLack(error);
  _fault =
      error == ETIMEDOUT ? "it did not take the connection in time" : std::generic_category().message(error);
}

}  // namespace p2::http
