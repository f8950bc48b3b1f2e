#include "ProxyTunnel.h"
#include "SessionFixture.h"
#include "p2/core/Guarded.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

using namespace p2::test;
using p2::http::Fault;
using p2::http::HttpsSession;

namespace {

void copyBothWays(int left, int right) {
  std::array<char, 16384> buffer{};
  for (;;) {
    std::array<pollfd, 2> entries{{{left, POLLIN, 0}, {right, POLLIN, 0}}};
    ::poll(entries.data(), entries.size(), -1);
    for (std::size_t n = 0; n < 2; ++n) {
      if (entries[n].revents == 0) continue;
      const ssize_t count = ::recv(entries[n].fd, buffer.data(), buffer.size(), 0);
      if (count <= 0) return;
      ::send(entries[1 - n].fd, buffer.data(), static_cast<std::size_t>(count), MSG_NOSIGNAL);
    }
  }
}

std::string receiveHeader(int socket) {
  std::string header;
  std::array<char, 4096> buffer{};
  while (header.find("\r\n\r\n") == std::string::npos) {
    const ssize_t count = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (count <= 0) break;
    header.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return header;
}

p2::http::Proxy proxyAt(std::uint16_t port) {
  return p2::http::Proxy::parse("http://me:hidden@127.0.0.1:" + std::to_string(port)).value();
}

}  // namespace

TEST_CASE("Requests go through a proxy's tunnel, TLS from end to end") {
  TlsServer server(authority().issue(), answerAll);
  p2::core::Guarded<std::string> received;
  const p2::test::LoopbackServer proxy([&](int socket, int) {
    const std::string request = receiveHeader(socket);
    received.with([&](std::string& text) { text = request; });
    const std::string_view answer = "HTTP/1.1 200 Connection established\r\nVia: 1.1 proxy\r\n\r\n";
    ::send(socket, answer.data(), answer.size(), MSG_NOSIGNAL);
    const int upstream = p2::test::connectLoopback(server.port());
    copyBothWays(socket, upstream);
    ::close(upstream);
  });
  auto made = options(server.url());
  made.proxy = proxyAt(proxy.port());
  {
    HttpsSession session(made, context());
    for (int n = 0; n < 3; ++n) CHECK(statusOf(post(session)) == 200);
  }
  CHECK(proxy.connections() == 1);
  const std::string target = "localhost:" + std::to_string(server.port());
  const std::string seen = received.with([](const std::string& text) { return text; });
  CHECK(seen == "CONNECT " + target + " HTTP/1.1\r\nHost: " + target +
                    "\r\nProxy-Authorization: Basic bWU6aGlkZGVu\r\n\r\n");

  made.proxy->exceptions = {"localhost"};
  HttpsSession direct(made, context());
  CHECK(statusOf(post(direct)) == 200);
  CHECK(proxy.connections() == 1);
}

TEST_CASE("A proxy that opens no tunnel is named with the reason") {
  const std::pair<std::string, std::string> cases[] = {
      {"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "another user or password (407)"},
      {"HTTP/1.0 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "with status 403"},
      {"SSH-2.0-OpenSSH\r\n\r\n", "does not answer as an HTTP proxy"},
      {std::string(20000, 'x'), "does not answer as an HTTP proxy"},
      {"", "does not answer as an HTTP proxy"},
  };
  for (const auto& [answer, reason] : cases) {
    const p2::test::LoopbackServer proxy([&, text = answer](int socket, int) {
      receiveHeader(socket);
      ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
      ::shutdown(socket, SHUT_WR);
      receiveHeader(socket);
    });
    auto made = options("https://localhost");
    made.proxy = proxyAt(proxy.port());
    HttpsSession session(made, context());
    const Fault fault = faultOf(post(session));
    CAPTURE(fault.text);
    CHECK(fault.kind == Fault::Kind::connect);
    CHECK(fault.text.find("127.0.0.1:" + std::to_string(proxy.port())) != std::string::npos);
    CHECK(fault.text.find(reason) != std::string::npos);
  }
}
