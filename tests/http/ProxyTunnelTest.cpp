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

TEST_CASE("A proxy's answer is read to the decision and no further, however it comes") {
  using p2::http::TunnelAnswer;
  using State = TunnelAnswer::State;
  struct Case {
    std::string text;
    State state;
    int status;
  };
  const std::string page = "\r\n<html>" + std::string(2000, 'x') + "</html>\r\n\r\n";
  const std::string longLine = "X: " + std::string(2000, 'x') + "\r\n";
  std::string longHeader;
  while (longHeader.size() <= TunnelAnswer::kMostHeader) longHeader += longLine;
  const Case cases[] = {
      {"HTTP/1.1 200 Connection established\r\n\r\n", State::open, 200},
      {"HTTP/1.0 200\r\nVia: 1.1 proxy\r\n" + longLine + "\r\n", State::open, 200},
      {"HTTP/1.1 299 Odd\n\n", State::open, 299},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
       State::open, 200},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 Forbidden\r\n" + page, State::refused, 403},
      {"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Negotiate\r\n" + page,
       State::refused, 407},
      {"HTTP/1.1 403 Forbidden\r\nContent-Length: 2000\r\n" + page, State::refused, 403},
      {"HTTP/1.1 503 Service Unavailable\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + page, State::refused,
       503},
      {"HTTP/1.1 302 Found\r\nLocation: http://portal\r\n\r\n", State::refused, 302},
      {"HTTP/1.1 502 Bad Gateway\r\n" + longHeader, State::refused, 502},
      {"HTTP/1.1 403 Forbidden\r\n", State::refused, 403},
      {"HTTP/1.1 403 " + std::string(9000, 'x') + "\r\n", State::refused, 403},
      {"", State::more, 0},
      {"HTTP/1.", State::more, 0},
      {"HTTP/1.1 403 Forbidden", State::more, 0},
      {"HTTP/1.1 200 OK\r\nVia: x\r\n", State::more, 0},
      {"HTTP/1.1 100 Continue\r\n\r\n", State::more, 0},
      {"SSH-2.0-OpenSSH\r\n", State::malformed, 0},
      {"\x16\x03\x01", State::malformed, 0},
      {"\r\n\r\n", State::malformed, 0},
      {"HTTP/2 200 OK\r\n\r\n", State::malformed, 0},
      {"HTTP/1.1 OK\r\n\r\n", State::malformed, 0},
      {"HTTP/1.1 099 Odd\r\n\r\n", State::malformed, 0},
      {"HTTP/1.1 101 Switching Protocols\r\n\r\n", State::malformed, 0},
      {"HTTP/1.1 200 OK\r\n\r\nSSH-2.0", State::malformed, 0},
      {"HTTP/1.1 200 OK\r\n" + longHeader, State::malformed, 0},
      {std::string(20000, 'x'), State::malformed, 0},
  };
  for (const auto& [text, state, status] : cases) {
    for (const std::size_t size : {1U, 2U, 5U, 1024U, 100000U}) {
      CAPTURE(text.substr(0, 60), size);
      TunnelAnswer answer;
      for (std::size_t at = 0; at < text.size(); at += size)
        answer.feed(std::string_view(text).substr(at, size));
      CHECK(answer.state() == state);
      if (state == State::open || state == State::refused) CHECK(answer.status() == status);
    }
  }
}

TEST_CASE("A proxy that opens no tunnel is named with the reason") {
  const std::pair<std::string, std::string> cases[] = {
      {"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "another user or password (407)"},
      {"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2000\r\n\r\n" + std::string(2000, 'x'),
       "only Basic is supported"},
      {"HTTP/1.1 403 Forbidden\r\nContent-Length: 2000\r\n\r\n" + std::string(2000, 'x'),
       "with status 403; it must allow CONNECT"},
      {"HTTP/1.1 503 Service Unavailable\r\n\r\n" + std::string(2000, 'x'),
       "with status 503; see whether it can reach"},
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
