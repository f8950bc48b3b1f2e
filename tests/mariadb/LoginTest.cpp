#include "Server.h"
#include "support/Catch.h"
#include "support/Certificates.h"
#include "support/LoopbackServer.h"

#include <openssl/ssl.h>
#include <sys/socket.h>

#include <mutex>
#include <string>
#include <string_view>

using namespace p2::mariadb;
using namespace p2::mariadb::test;
using namespace p2::store::test;
using p2::test::authority;
using p2::test::LoopbackServer;

using Catch::Matchers::ContainsSubstring;
using namespace std::string_literals;

namespace {

constexpr unsigned kTls = 0x800;

std::string packet(char number, const std::string& content) {
  return std::string{static_cast<char>(content.size()), 0, 0, number} + content;
}

/// How a database begins that has an account's password as caching_sha2_password keeps it.
std::string greeting(unsigned more) {
  constexpr unsigned kCapabilities = 0x8020b;  // those of MySQL 4.1, and that ways to log in have names
  const unsigned all = kCapabilities | 0x8000 | more;
  const auto byte = [all](unsigned at) { return static_cast<char>(all >> at & 0xff); };
  return packet(0, "\x0a"s + "5.5.5-12.1.0-MariaDB" + "\0\1\0\0\0"s + "saltsalt" + '\0' + byte(0) + byte(8) +
                       "\x08\2\0"s + byte(16) + byte(24) + '\x15' + std::string(10, '\0') + "saltsaltsalt" +
                       '\0' + "caching_sha2_password" + '\0');
}

/// A database that asks each who logs in for the password itself, and then refuses.
class AskingServer {
 public:
  explicit AskingServer(bool tls)
      : _tls(tls), _identity(authority().issue()), _server([this](int socket, int) { serve(socket); }) {}

  std::uint16_t port() const { return _server.port(); }
  /// All that has come, out of TLS.
  std::string received() const {
    const std::scoped_lock lock(_mutex);
    return _received;
  }

 private:
  void serve(int socket) {
    const auto hello = greeting(_tls ? kTls : 0);
    ::send(socket, hello.data(), hello.size(), MSG_NOSIGNAL);
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_server_method()),
                                                                    &SSL_CTX_free);
    SSL_CTX_use_certificate(context.get(), _identity.certificate.get());
    SSL_CTX_use_PrivateKey(context.get(), _identity.key.get());
    const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), &SSL_free);
    SSL_set_fd(ssl.get(), socket);
    const auto receive = [&](int most) {
      std::string bytes(static_cast<std::size_t>(most), '\0');
      const auto count = _tls && SSL_is_init_finished(ssl.get()) != 0
                             ? SSL_read(ssl.get(), bytes.data(), most)
                             : static_cast<int>(::recv(socket, bytes.data(), bytes.size(), 0));
      if (count <= 0) return false;
      const std::scoped_lock lock(_mutex);
      _received += bytes.substr(0, static_cast<std::size_t>(count));
      return true;
    };
    constexpr int kTlsRequest = 36;
    if (!receive(_tls ? kTlsRequest : 4096) || !_tls || SSL_accept(ssl.get()) != 1 || !receive(4096)) return;
    const auto ask = packet(3, "\1\4"s);
    SSL_write(ssl.get(), ask.data(), static_cast<int>(ask.size()));
    if (!receive(4096)) return;
    const auto refusal = packet(5, "\xff\x15\x04#28000Access denied"s);
    SSL_write(ssl.get(), refusal.data(), static_cast<int>(refusal.size()));
  }

  const bool _tls;
  mutable std::mutex _mutex;
  std::string _received;
  const p2::test::Identity _identity;
  LoopbackServer _server;  ///< Last: it uses all of the above.
};

Options optionsFor(const AskingServer& server) {
  Options options;
  options.hosts = {{"localhost", server.port()}};
  options.user = "p2";
  options.password = p2::core::Secret("the-password");
  options.database = "p2";
  return options;
}

}  // namespace

TEST_CASE("An account may keep its password as ed25519") {
  auto& server = Server::shared();
  auto options = server.freshTables();
  server.run("install soname 'auth_ed25519'");
  server.run("create user edward identified via ed25519 using password('it''s')");
  server.run("grant all on " + options.database + ".* to edward");
  options.user = "edward";
  options.password = p2::core::Secret("it's");
  CHECK(faultOfOpening(options).empty());
  options.password = p2::core::Secret("its");
  CHECK_THAT(faultOfOpening(options), ContainsSubstring("Access denied"));
}

TEST_CASE("A database that asks for the password itself gets it over TLS only") {
  SECTION("over TLS") {
    const AskingServer server(true);
    auto options = optionsFor(server);
    options.tls = Tls::verified;
    options.caFile = authority().file();
    CHECK_THAT(faultOfOpening(options), ContainsSubstring("Access denied"));
    CHECK_THAT(server.received(), ContainsSubstring("the-password"));
  }
  SECTION("without") {
    const AskingServer server(false);
    CHECK_THAT(faultOfOpening(optionsFor(server)), ContainsSubstring("caching_sha2_password"));
    CHECK_THAT(server.received(), !ContainsSubstring("the-password"));
  }
}
