#include "Server.h"

#include "links/MariadbPlace.h"
#include "p2/mariadb/Migration.h"
#include "support/Certificates.h"
#include "support/ContentOf.h"
#include "support/Eventually.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <mysql.h>
#include <pwd.h>
#include <stdexcept>
#include <utility>

namespace p2::mariadb::test {

namespace {

constexpr const char* kUser = "p2";
constexpr const char* kPassword = "it's; \"hard\" to\\say";

/// A process whose words go into a file. It does not outlive this one.
pid_t launched(std::vector<std::string> words, const std::string& log) {
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error("no process");
  if (pid > 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(file, STDOUT_FILENO);
  ::dup2(file, STDERR_FILENO);
  ::execvp(arguments[0], arguments.data());
  ::_exit(127);
}

std::string ownName() {
  const passwd* entry = ::getpwuid(::getuid());
  return entry != nullptr ? entry->pw_name : "root";
}

std::uint16_t freePort() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  ::bind(socket, reinterpret_cast<sockaddr*>(&address), length);
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length);
  ::close(socket);
  return ntohs(address.sin_port);
}

/// A server that starts removes the temporary tables of all that share its directory for them.
std::string ownTmpdir(const std::filesystem::path& directory) {
  std::filesystem::create_directory(directory);
  return "--tmpdir=" + directory.string();
}

struct Close {
  void operator()(MYSQL* handle) const { mysql_close(handle); }
};
using Handle = std::unique_ptr<MYSQL, Close>;

/// Null if it does not answer.
Handle connectedAsRoot(const std::string& socket) {
  Handle handle(mysql_init(nullptr));
  const unsigned seconds = 10;
  mysql_options(handle.get(), MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
  mysql_options(handle.get(), MYSQL_SET_CHARSET_NAME, "utf8mb4");
  if (mysql_real_connect(handle.get(), nullptr, "root", "", nullptr, 0, socket.c_str(), 0) == nullptr) {
    return nullptr;
  }
  return handle;
}

}  // namespace

Server& Server::shared() {
  static Server server;
  return server;
}

Server::Server() {
  writeCertificate();
  _arguments = {"--ssl-cert=" + _certificate.path(), "--ssl-key=" + _key.path()};
  beginAfresh();
}

Server::Server(const Server* other, const std::string& options) {
  const auto local = [] { return "127.0.0.1:" + std::to_string(freePort()); };
  _group = local();
  _arguments = {"--wsrep-on=ON",
                "--wsrep-provider=/usr/lib/galera/libgalera_smm.so",
                "--wsrep-cluster-address=gcomm://" + (other != nullptr ? other->_group : ""),
                "--wsrep-node-address=127.0.0.1",
                "--wsrep-sst-method=rsync",
                "--wsrep-sst-receive-address=" + local(),
                "--wsrep-provider-options=gmcast.listen_addr=tcp://" + _group + ";ist.recv_addr=" + local() +
                    ";gcache.size=16M;" + options,
                "--binlog-format=ROW",
                "--innodb-autoinc-lock-mode=2"};
  // What comes to one that joins is written by a process that root lets be nobody, with the other's
  // permissions.
  std::filesystem::permissions(_directory.path(), std::filesystem::perms(0711));
  std::filesystem::create_directory(_directory / "data");
  std::filesystem::permissions(_directory / "data", std::filesystem::perms::all);
  if (other == nullptr) {
    beginAfresh();
  } else {
    begin();
  }
}

void Server::beginAfresh() {
  install();
  begin();
  run("create user 'p2'@'%' identified by '" + std::string("it''s; \"hard\" to\\\\say") + "'");
}

void Server::begin() {
  // Somebody else may take a port that was free.
  for (int tries = 0; tries < 5 && _pid < 0; ++tries) {
    _port = freePort();
    launch();
  }
  if (_pid < 0) throw std::runtime_error("mariadbd does not start: " + endOfLog());
}

Server::~Server() {
  kill();
}

void Server::writeCertificate() {
  const auto identity = p2::test::authority().issue({"DNS:localhost"});
  const auto toFile = [](const std::string& path, const auto& write) {
    std::FILE* file = std::fopen(path.c_str(), "w");
    write(file);
    std::fclose(file);
  };
  toFile(_certificate.path(), [&](std::FILE* file) { PEM_write_X509(file, identity.certificate.get()); });
  toFile(_key.path(), [&](std::FILE* file) {
    PEM_write_PrivateKey(file, identity.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

const std::string& Server::authorityFile() {
  return p2::test::authority().file();
}

void Server::install() const {
  const pid_t pid = launched({"mysql_install_db", "--no-defaults", "--auth-root-authentication-method=normal",
                              "--skip-test-db", "--user=" + ownName(), "--innodb-log-file-size=8M",
                              "--datadir=" + (_directory / "data").string(), ownTmpdir(_directory / "tmp")},
                             _directory / "install.log");
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  throw std::runtime_error(
      "mysql_install_db is missing or fails: install mariadb-server, as"
      " packaging/dependencies tests does");
}

void Server::launch() {
  std::vector<std::string> words{"mariadbd",
                                 "--no-defaults",
                                 "--user=" + ownName(),
                                 "--datadir=" + (_directory / "data").string(),
                                 ownTmpdir(_directory / "tmp"),
                                 "--socket=" + (_directory / "socket").string(),
                                 "--pid-file=" + (_directory / "pid").string(),
                                 "--bind-address=127.0.0.1",
                                 "--port=" + std::to_string(_port),
                                 "--skip-name-resolve",
                                 "--innodb-buffer-pool-size=32M",
                                 "--innodb-log-file-size=8M",
                                 "--innodb-flush-log-at-trx-commit=1"};
  words.insert(words.end(), _arguments.begin(), _arguments.end());
  _pid = launched(std::move(words), _directory / "log");
  p2::test::eventually([this] {
    if (answers()) return true;
    if (::waitpid(_pid, nullptr, WNOHANG) != _pid) return false;
    _pid = -1;
    return true;
  });
}

bool Server::answers() const {
  const auto handle = connectedAsRoot(_directory / "socket");
  // A node that is not part of its cluster lets everybody in and tells nothing.
  return handle && mysql_query(handle.get(), "do (select count(*) from mysql.db)") == 0;
}

std::string Server::endOfLog() const {
  constexpr std::size_t kBytes = 3000;
  const auto text = p2::test::contentOf(_directory / "log");
  return text.size() > kBytes ? text.substr(text.size() - kBytes) : text;
}

void Server::kill() {
  if (_pid < 0) return;
  ::kill(_pid, SIGKILL);
  ::waitpid(std::exchange(_pid, -1), nullptr, 0);
}

void Server::start() {
  launch();
  if (_pid < 0) throw std::runtime_error("mariadbd does not start again: " + endOfLog());
}

void Server::freeze(bool frozen) const {
  ::kill(_pid, frozen ? SIGSTOP : SIGCONT);
}

std::vector<std::string> Server::run(const std::string& database, const std::string& statement) const {
  const auto handle = connectedAsRoot(_directory / "socket");
  if (!handle) throw std::runtime_error("mariadbd does not answer");
  if (!database.empty()) mysql_select_db(handle.get(), database.c_str());
  if (mysql_real_query(handle.get(), statement.data(), statement.size()) != 0) {
    throw std::runtime_error(mysql_error(handle.get()));
  }
  std::vector<std::string> values;
  if (MYSQL_RES* result = mysql_store_result(handle.get()); result != nullptr) {
    while (const MYSQL_ROW row = mysql_fetch_row(result)) values.emplace_back(row[0] ? row[0] : "");
    mysql_free_result(result);
  }
  return values;
}

Options Server::freshDatabase() {
  static unsigned databases = 0;  // of all servers: twinOf() takes the name with it
  Options options;
  options.hosts = hosts();
  options.database = "p2_" + std::to_string(++databases);
  options.user = kUser;
  options.password = core::Secret(kPassword);
  options.connections = 2;
  run("create database " + options.database);
  run("grant select, insert, update, delete, create, alter, create temporary tables on " + options.database +
      ".* to 'p2'@'%'");
  return options;
}

Options Server::freshTables() {
  auto options = freshDatabase();
  if (const auto made = Store::open(options); !made.ok()) throw std::runtime_error(made.error());
  return options;
}

Host Server::twinOf(Options options) const {
  run("create or replace database " + options.database);
  run("grant all on " + options.database + ".* to 'p2'@'%'");
  options.hosts = hosts();
  if (const auto made = Store::open(options); !made.ok()) throw std::runtime_error(made.error());
  return hosts().front();
}

void migrated(const Options& options) {
  const auto done = migrate(options, [](const std::string&) {});
  if (!done.ok()) throw std::runtime_error(done.error());
}

std::unique_ptr<Store> opened(const Options& options) {
  auto store = Store::open(options);
  if (!store.ok()) throw std::runtime_error(store.error());
  return std::move(store).value();
}

std::string faultOfOpening(const Options& options) {
  const auto store = Store::open(options);
  return store.ok() ? "" : store.error();
}

std::string remarksOn(const Options& options) {
  settings::Settings::Store settings;
  for (const auto& host : options.hosts) settings.mariadb.hosts.push_back({host.name, host.port});
  settings.mariadb.database = options.database;
  settings.mariadb.user = options.user;
  settings.mariadb.password = options.password;
  settings.mariadb.timeout = options.timeout;
  std::string text;
  for (const auto& remark : app::MariadbPlace(settings).remarks()) {
    text += (remark.kind == app::Remark::Kind::good ? "good: " : "not good: ") + remark.text + '\n';
  }
  return text;
}

}  // namespace p2::mariadb::test
