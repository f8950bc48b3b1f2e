#include "LossyRelay.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace p2::mariadb::test {

namespace {

constexpr int kPollMilliseconds = 20;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

int freshSocket() {
  return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/// Until something can be read, or a moment has passed.
void waitFor(pollfd* sockets, nfds_t count) {
  ::poll(sockets, count, kPollMilliseconds);
}

}  // namespace

LossyRelay::LossyRelay(const Host& database) : _database(database), _listener(freshSocket()) {
  auto address = loopback(0);
  socklen_t length = sizeof address;
  if (::bind(_listener, reinterpret_cast<sockaddr*>(&address), length) != 0 || ::listen(_listener, 16) != 0) {
    throw std::runtime_error("no listener");
  }
  ::getsockname(_listener, reinterpret_cast<sockaddr*>(&address), &length);
  _port = ntohs(address.sin_port);
  _thread = std::thread([this] { accept(); });
}

LossyRelay::~LossyRelay() {
  _stopping = true;
  _thread.join();
  for (auto& relay : _relays) relay.join();
  ::close(_listener);
}

void LossyRelay::accept() {
  while (!_stopping) {
    pollfd listener{_listener, POLLIN, 0};
    waitFor(&listener, 1);
    if ((listener.revents & POLLIN) == 0) continue;
    const int client = ::accept4(_listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (client >= 0) _relays.emplace_back([this, client] { relay(client); });
  }
}

void LossyRelay::relay(int client) {
  const int server = freshSocket();
  const auto address = loopback(_database.port);
  bool open = ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  while (open && !_stopping) {
    pollfd both[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
    waitFor(both, 2);
    if (both[0].revents != 0) open = pass(client, server, true);
    if (open && both[1].revents != 0) open = pass(server, client, false);
  }
  ::close(server);
  ::close(client);
}

/// Gives whether the connection goes on.
bool LossyRelay::pass(int from, int to, bool toDatabase) {
  char buffer[65536];
  const auto bytes = ::recv(from, buffer, sizeof buffer, 0);
  if (bytes <= 0) return false;
  const std::string_view data(buffer, static_cast<std::size_t>(bytes));
  const bool commits = toDatabase && data.size() >= 6 && data.substr(data.size() - 6) == "commit";
  const Loss loss = commits ? _loss.exchange(Loss::none) : Loss::none;
  if (loss == Loss::ofCommit) return false;
  if (::send(to, data.data(), data.size(), MSG_NOSIGNAL) != bytes) return false;
  if (loss == Loss::none) return true;
  ::recv(to, buffer, sizeof buffer, 0);  // the database has done it
  return false;
}

}  // namespace p2::mariadb::test
