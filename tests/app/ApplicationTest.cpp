#include "component/ScriptedServer.h"
#include "daemon/CommandLine.h"
#include "daemon/P2Application.h"
#include "p2/process/Signals.h"
#include "p2/settings/Loader.h"
#include "support/Catch.h"
#include "support/ContentOf.h"
#include "support/Has.h"
#include "support/LoopbackServer.h"
#include "support/TemporaryDirectory.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <sysexits.h>
#include <thread>
#include <utility>
#include <vector>

// The daemon as a process: what a Poco application, its subsystem and the signals make of each other.

using namespace p2;
using namespace p2::app;
using namespace std::chrono_literals;
using test::has;

namespace {

/// A p2 that serves in a child process; killed at the end if it has not ended. REQUIRES that this process has
/// no other thread.
class Daemon {
 public:
  explicit Daemon(const std::filesystem::path& config,
                  const std::map<std::string, std::string>& environment = {}) {
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    _pid = ::fork();
    if (_pid < 0) throw std::runtime_error("no process");  // or all of them would get its signals
    if (_pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::dup2(pipe[1], STDERR_FILENO);
      for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
      ::_exit(serve(config));
    }
    ::close(pipe[1]);
    _log = pipe[0];
  }
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;
  ~Daemon() {
    if (!_ended) {
      ::kill(_pid, SIGKILL);
      ::waitpid(_pid, nullptr, 0);
    }
    ::close(_log);
  }

  void signal(int number) const { ::kill(_pid, number); }

  /// Whether it says so, from where the last call found something; waits for it as long as it runs.
  bool says(const std::string& words) {
    for (;;) {
      const auto found = _text.find(words, _read);
      if (found != std::string::npos) {
        _read = found + words.size();
        return true;
      }
      if (!readMore()) return false;
    }
  }

  /// Its exit code, when it has ended; negative if a signal ended it: SIGKILL, where it does not end in time.
  int end() {
    while (readMore()) {
    }
    if (!_closed) ::kill(_pid, SIGKILL);
    int status = 0;
    ::waitpid(_pid, &status, 0);
    _ended = true;
    // tests/run must see them.
    if (has(_text, "Sanitizer") || has(_text, "runtime error:")) std::cerr << _text;
    UNSCOPED_INFO(_text);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  const std::string& text() const { return _text; }

 private:
  static int serve(const std::filesystem::path& config) {
    process::blockSignals();
    const auto name = config.string();
    std::array<const char*, 3> words{"p2", "--config", name.c_str()};
    const auto line = CommandLine::parse(static_cast<int>(words.size()), words.data());
    auto loaded = settings::load(config, {}, {});
    if (!line || !loaded.settings) return EX_CONFIG;
    P2Application application(line.value(), std::move(*loaded.settings), false);
    return application.run(static_cast<int>(words.size()), const_cast<char**>(words.data()));
  }

  bool readMore() {
    constexpr int kPatience = 60000;  // ms
    pollfd ready{_log, POLLIN, 0};
    if (::poll(&ready, 1, kPatience) != 1) return false;
    std::array<char, 4096> chunk{};
    const auto count = ::read(_log, chunk.data(), chunk.size());
    _closed = count <= 0;
    if (_closed) return false;
    _text.append(chunk.data(), static_cast<std::size_t>(count));
    return true;
  }

  pid_t _pid = 0;
  int _log = -1;
  bool _closed = false;
  bool _ended = false;
  std::string _text;
  std::size_t _read = 0;
};

/// The socket on which systemd hears what a daemon tells of itself.
class ServiceManagerEnd {
 public:
  explicit ServiceManagerEnd(const std::filesystem::path& directory) : name(directory / "notify") {
    _socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(name.native().size() < sizeof address.sun_path);
    std::strncpy(address.sun_path, name.c_str(), sizeof address.sun_path - 1);
    REQUIRE(::bind(_socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }
  ServiceManagerEnd(const ServiceManagerEnd&) = delete;
  ServiceManagerEnd& operator=(const ServiceManagerEnd&) = delete;
  ~ServiceManagerEnd() { ::close(_socket); }

  /// Reads until it is told this, and gives what it was told before.
  std::vector<std::string> until(const std::string& wanted) {
    std::vector<std::string> before;
    for (;;) {
      pollfd ready{_socket, POLLIN, 0};
      if (::poll(&ready, 1, 60000) != 1) FAIL("the service manager was not told " << wanted);
      std::array<char, 4096> message{};
      const auto count = ::recv(_socket, message.data(), message.size(), 0);
      REQUIRE(count > 0);
      std::string text(message.data(), static_cast<std::size_t>(count));
      if (text.starts_with(wanted)) return before;
      before.push_back(std::move(text));
    }
  }

  const std::filesystem::path name;

 private:
  int _socket = -1;
};

/// A port on which the test itself takes connections, without a thread.
class Listener {
 public:
  Listener() {
    _socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(_socket, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(_socket, 8) == 0);
    REQUIRE(::getsockname(_socket, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port = ntohs(address.sin_port);
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() { ::close(_socket); }

  int accept() const {
    pollfd ready{_socket, POLLIN, 0};
    REQUIRE(::poll(&ready, 1, 60000) == 1);
    const int peer = ::accept(_socket, nullptr, nullptr);
    REQUIRE(peer >= 0);
    return peer;
  }

  std::uint16_t port = 0;

 private:
  int _socket = -1;
};

bool contains(const std::vector<std::string>& told, const std::string& start) {
  return std::any_of(told.begin(), told.end(), [&](const auto& text) { return text.starts_with(start); });
}

/// Its settings' file. There is neither an XMPP server nor a Google: those would be threads of this process.
class Files {
 public:
  Files() {
    values = {{"xmpp.host", "127.0.0.1"},
              {"xmpp.port", std::to_string(nobody.port())},
              {"xmpp.jid", "push.example.org"},
              {"xmpp.sharedSecret", "s3cret"},
              {"store.path", (directory.path() / "store").string()},
              {"fcm.authKey", "AAAAkey"},
              {"http.listen", ""}};
    write();
  }

  void write() const {
    std::ofstream file(config);
    for (const auto& [key, value] : values) file << key << " = " << value << '\n';
  }
  void set(const std::string& key, const std::string& value) {
    values[key] = value;
    write();
  }

  test::TemporaryDirectory directory;
  test::RefusingPort nobody;
  std::filesystem::path config = directory.path() / "p2.properties";
  std::map<std::string, std::string> values;
};

}  // namespace

TEST_CASE("The daemon serves until it is told to stop, and ends with 0") {
  const Files files;
  for (const int number : {SIGTERM, SIGINT}) {
    Daemon daemon(files.config);
    CHECK(daemon.says("has started"));
    daemon.signal(number);
    CHECK(daemon.says("stopping"));
    CHECK(daemon.says("stopped"));
    CHECK(daemon.end() == EX_OK);
    CHECK_FALSE(has(daemon.text(), "s3cret"));
  }
}

TEST_CASE("The daemon that cannot start says why in one line, and ends with the code of that kind") {
  struct Row {
    const char* key;
    std::string value;
    const char* said;
    int code;
  };
  Files files;
  std::ofstream(files.directory.path() / "file") << "x";
  const auto before = files.values;
  for (const auto& row : std::vector<Row>{
           {"store.path", (files.directory.path() / "file").string(), "is not a directory", EX_CANTCREAT},
           {"store.path", "/proc/none", "/proc/none", EX_CANTCREAT},
           {"push.deadline", "soon", "", EX_CONFIG}}) {
    CAPTURE(row.key, row.value);
    files.values = before;
    files.set(row.key, row.value);
    Daemon daemon(files.config);
    CHECK(daemon.end() == row.code);
    CHECK(has(daemon.text(), row.said));
    CHECK_FALSE(has(daemon.text(), "has started"));
  }
}

TEST_CASE("A hang-up has the settings read again, and with a fault in them those of before stay") {
  Files files;
  Daemon daemon(files.config);
  REQUIRE(daemon.says("has started"));
  files.set("push.deadline", "20s");
  daemon.signal(SIGHUP);
  CHECK(daemon.says("the settings were read again"));
  files.set("push.deadline", "soon");
  daemon.signal(SIGHUP);
  CHECK(daemon.says("push.deadline"));
  CHECK(daemon.says("the settings of before stay in effect"));
  files.set("push.deadline", "20s");
  for (int n = 0; n < 20; ++n) daemon.signal(SIGHUP);
  CHECK(daemon.says("the settings were read again"));
  daemon.signal(SIGTERM);
  CHECK(daemon.end() == EX_OK);
}

TEST_CASE(
    "The service manager hears that p2 has started when an XMPP server has taken it, and all that follows") {
  Files files;
  const Listener server;
  files.set("xmpp.port", std::to_string(server.port));
  ServiceManagerEnd systemd(files.directory.path());
  Daemon daemon(files.config, {{"NOTIFY_SOCKET", systemd.name.string()}});
  const int connection = server.accept();
  test::Peer peer(connection, nullptr);
  peer.openStream();
  REQUIRE(daemon.says("has started"));
  daemon.signal(SIGHUP);
  REQUIRE(daemon.says("the settings were read again"));
  peer.send("<handshake/>");
  const auto before = systemd.until("READY=1");
  CHECK(contains(before, "STATUS=connecting to the XMPP server"));
  CHECK_FALSE(contains(before, "RELOADING=1"));  // it had not started
  CHECK(systemd.until("STATUS=connected").empty());
  daemon.signal(SIGHUP);
  systemd.until("RELOADING=1");
  systemd.until("READY=1");
  ::shutdown(connection, SHUT_RDWR);
  systemd.until("STATUS=not connected");
  daemon.signal(SIGTERM);
  systemd.until("STOPPING=1");
  CHECK(daemon.end() == EX_OK);
  ::close(connection);
}

TEST_CASE(
    "The service manager hears that p2 has started and stands by when the XMPP server has another one") {
  Files files;
  const Listener server;
  files.set("xmpp.port", std::to_string(server.port));
  ServiceManagerEnd systemd(files.directory.path());
  Daemon daemon(files.config, {{"NOTIFY_SOCKET", systemd.name.string()}});
  const auto answer = [&server](const char* words) {
    const int connection = server.accept();
    test::Peer peer(connection, nullptr);
    peer.openStream();
    peer.send(words);
    return connection;
  };
  constexpr auto* kConflict =
      "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>";
  const int refused = answer(kConflict);
  systemd.until("READY=1");
  systemd.until("STATUS=standing by");
  CHECK(daemon.says("standing by until it is gone"));
  daemon.signal(SIGHUP);
  systemd.until("RELOADING=1");
  systemd.until("READY=1");
  const int taken = answer("<handshake/>");
  systemd.until("STATUS=connected");
  CHECK(daemon.says("takes over"));
  ::shutdown(taken, SHUT_RDWR);
  systemd.until("STATUS=not connected");
  const int again = answer(kConflict);
  systemd.until("STATUS=standing by");
  daemon.signal(SIGTERM);
  systemd.until("STOPPING=1");
  CHECK(daemon.end() == EX_OK);
  for (const int connection : {refused, taken, again}) ::close(connection);
}

TEST_CASE(
    "The watchdog hears from p2, and after each hang-up as well: without a pause they keep no report away") {
  const Files files;
  ServiceManagerEnd systemd(files.directory.path());
  {
    Daemon daemon(files.config, {{"NOTIFY_SOCKET", systemd.name.string()}, {"WATCHDOG_USEC", "400000"}});
    for (int n = 0; n < 3; ++n) systemd.until("WATCHDOG=1");
    daemon.signal(SIGTERM);
    CHECK(daemon.end() == EX_OK);
  }
  // Two minutes between the reports: longer than until() waits.
  Daemon daemon(files.config, {{"NOTIFY_SOCKET", systemd.name.string()}, {"WATCHDOG_USEC", "240000000"}});
  REQUIRE(daemon.says("has started"));
  for (int n = 0; n < 5; ++n) {
    daemon.signal(SIGHUP);
    systemd.until("WATCHDOG=1");
  }
  daemon.signal(SIGTERM);
  CHECK(daemon.end() == EX_OK);
}

TEST_CASE("What a start cannot do is told to the service manager as well, which shows it while it waits") {
  Files files;
  std::ofstream(files.directory.path() / "file") << "x";
  files.set("store.path", (files.directory.path() / "file").string());
  ServiceManagerEnd systemd(files.directory.path());
  Daemon daemon(files.config, {{"NOTIFY_SOCKET", systemd.name.string()}});
  CHECK(daemon.end() == EX_CANTCREAT);
  systemd.until("STATUS=connecting");
  systemd.until("STATUS=");
}

TEST_CASE("A hang-up that comes with a stop keeps nothing from ending") {
  const Files files;
  Daemon daemon(files.config);
  REQUIRE(daemon.says("has started"));
  for (int n = 0; n < 5; ++n) daemon.signal(SIGHUP);
  daemon.signal(SIGTERM);
  for (int n = 0; n < 5; ++n) daemon.signal(SIGHUP);
  CHECK(daemon.end() == EX_OK);
}

TEST_CASE("The log goes where the settings say, at the level that they say") {
  Files files;
  const auto log = files.directory.path() / "p2.log";
  files.values["logging.loggers.root.channel"] = "file";
  files.values["logging.channels.file.class"] = "FileChannel";
  files.values["logging.channels.file.path"] = log.string();
  files.set("logging.level", "warning");
  Daemon daemon(files.config);
  // The first attempt to connect fails, and says so.
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (!std::filesystem::exists(log) || test::contentOf(log).empty()) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::sleep_for(10ms);
  }
  daemon.signal(SIGTERM);
  CHECK(daemon.end() == EX_OK);
  CHECK(daemon.text().empty());
  CHECK_FALSE(has(test::contentOf(log), "has started"));  // that is information
  CHECK_FALSE(has(test::contentOf(log), "s3cret"));
}
