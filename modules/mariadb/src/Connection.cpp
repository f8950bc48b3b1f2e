#include "Connection.h"

#include <charconv>
#include <errmsg.h>
#include <mutex>
#include <mysql.h>
#include <mysqld_error.h>
#include <string_view>
#include <utility>

namespace p2::mariadb {

namespace {

// Of MariaDB, and not in the header of every version.
constexpr unsigned kKilled = 1927;
constexpr unsigned kStatementTimeout = 1969;

Fault::Kind kindOfFault(unsigned code) {
  switch (code) {
    case CR_SERVER_GONE_ERROR:
    case CR_SERVER_LOST:
    case CR_SERVER_LOST_EXTENDED:
    case CR_COMMANDS_OUT_OF_SYNC:
    case CR_MALFORMED_PACKET:
    case CR_UNKNOWN_ERROR:
    case CR_CONNECTION_ERROR:
    case CR_CONN_HOST_ERROR:
    case CR_UNKNOWN_HOST:
    case ER_SERVER_SHUTDOWN:
    case ER_QUERY_INTERRUPTED:
    case kKilled:
      return Fault::Kind::lost;
    case ER_LOCK_DEADLOCK:
    case ER_LOCK_WAIT_TIMEOUT:
    case ER_DUP_ENTRY:
    case ER_CHECKREAD:
      return Fault::Kind::contended;
    case ER_UNKNOWN_COM_ERROR:  // a node of Galera that is not part of the cluster
    case ER_CON_COUNT_ERROR:
    case ER_TOO_MANY_USER_CONNECTIONS:
    case ER_USER_LIMIT_REACHED:
    case ER_OPTION_PREVENTS_STATEMENT:
    case ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION:
    case ER_ERROR_DURING_COMMIT:
    case ER_RECORD_FILE_FULL:
    case ER_DISK_FULL:
    case ER_OUT_OF_RESOURCES:
    case kStatementTimeout:
      return Fault::Kind::unfit;
    default:
      return Fault::Kind::refused;
  }
}

/// Whether the server's own text may be shown: that of others repeats what is stored, or the statement.
bool isTelling(unsigned code) {
  if (code >= CR_MIN_ERROR && code <= CR_MAX_ERROR) return true;
  switch (code) {
    case ER_ACCESS_DENIED_ERROR:
    case ER_DBACCESS_DENIED_ERROR:
    case ER_TABLEACCESS_DENIED_ERROR:
    case ER_COLUMNACCESS_DENIED_ERROR:
    case ER_BAD_DB_ERROR:
    case ER_NO_SUCH_TABLE:
    case ER_BAD_FIELD_ERROR:
    case ER_KEY_DOES_NOT_EXISTS:
    case ER_LOCK_DEADLOCK:
    case ER_LOCK_WAIT_TIMEOUT:
      return true;
    default:
      return kindOfFault(code) == Fault::Kind::lost || kindOfFault(code) == Fault::Kind::unfit;
  }
}

/// What to do if a host cannot be connected to, as the end of a sentence; empty if its own words say it.
std::string remedyOf(unsigned code, const Options& options) {
  switch (code) {
    case CR_CONNECTION_ERROR:
    case CR_CONN_HOST_ERROR:
      return "; see whether it runs, and whether it can be reached from here";
    case CR_UNKNOWN_HOST:
      return "; correct store.mariadb.hosts, or see whether this machine's DNS works";
    case CR_SERVER_LOST:
      return "; it stands still, or starts, or something else than MariaDB listens there";
    case CR_SSL_CONNECTION_ERROR:
      return "; see store.mariadb.tls and store.mariadb.caFile, and the certificate of the server";
    case ER_ACCESS_DENIED_ERROR:
      return "; correct store.mariadb.user or its password";
    case ER_BAD_DB_ERROR:
      return "; create it, or correct store.mariadb.database";
    case ER_DBACCESS_DENIED_ERROR:
      return "; correct store.mariadb.database, or GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, "
             "CREATE TEMPORARY TABLES ON `" +
             options.database + "`.* to the user";
    default:
      return {};
  }
}

}  // namespace

bool ResultSet::next() {
  _row = mysql_fetch_row(_result.get());
  if (_row != nullptr) _lengths = mysql_fetch_lengths(_result.get());
  return _row != nullptr;
}

std::optional<std::string_view> ResultSet::text(std::size_t column) const {
  if (_row[column] == nullptr) return std::nullopt;
  return std::string_view(_row[column], _lengths[column]);
}

std::int64_t ResultSet::number(std::size_t column) const {
  const auto digits = text(column).value_or("");
  std::int64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

void ResultSet::Free::operator()(st_mysql_res* result) const {
  mysql_free_result(result);
}

Outcome<std::unique_ptr<Connection>> Connection::open(const Host& host, const Options& options,
                                                      std::chrono::seconds patience, Purpose purpose) {
  auto opened = openAny(host, options, patience);
  if (!opened.ok()) return opened;
  auto& connection = *opened.value();
  auto fault = purpose == Purpose::serving ? connection.checkServes() : connection.checkInStep();
  if (fault) return std::move(*fault);
  return opened;
}

Outcome<std::unique_ptr<Connection>> Connection::openAny(const Host& host, const Options& options,
                                                         std::chrono::seconds patience) {
  const auto unset = options.tls == Tls::verified ? core::faultOf(*options.clock) : std::string();
  if (!unset.empty()) return Fault{Fault::Kind::lost, "The database is not asked yet: " + unset + "."};
  static std::once_flag initialised;
  std::call_once(initialised, [] { mysql_library_init(0, nullptr, nullptr); });
  st_mysql* handle = mysql_init(nullptr);
  if (handle == nullptr) return Fault{Fault::Kind::refused, "No memory for a connection."};
  std::unique_ptr<Connection> connection(new Connection(nameOf(host), handle));
  connection->setOptions(options, patience);
  if (auto fault = connection->connect(host, options)) return std::move(*fault);
  if (auto fault = connection->checkVersion()) return std::move(*fault);
  if (auto fault = connection->prepare(options, patience)) return std::move(*fault);
  return connection;
}

Connection::~Connection() {
  mysql_close(_handle);
}

void Connection::setOptions(const Options& options, std::chrono::seconds patience) {
  const auto toConnect = static_cast<unsigned>(options.timeout.count());
  mysql_options(_handle, MYSQL_OPT_CONNECT_TIMEOUT, &toConnect);
  const auto seconds = static_cast<unsigned>(patience.count());
  mysql_options(_handle, MYSQL_OPT_READ_TIMEOUT, &seconds);
  mysql_options(_handle, MYSQL_OPT_WRITE_TIMEOUT, &seconds);
  // "localhost" is no socket's name here, and a server may not read files.
  const unsigned protocol = MYSQL_PROTOCOL_TCP;
  mysql_options(_handle, MYSQL_OPT_PROTOCOL, &protocol);
  const unsigned no = 0;
  mysql_options(_handle, MYSQL_OPT_LOCAL_INFILE, &no);
  // The last one sends the password itself to a server that does not know it yet.
  mysql_options(_handle, MARIADB_OPT_RESTRICTED_AUTH,
                options.tls == Tls::verified ? "mysql_native_password,client_ed25519,caching_sha2_password"
                                             : "mysql_native_password,client_ed25519");
  mysql_options(_handle, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  // Said either way: what holds unsaid differs between versions.
  const my_bool verified = options.tls == Tls::verified ? 1 : 0;
  mysql_options(_handle, MYSQL_OPT_SSL_ENFORCE, &verified);
  mysql_options(_handle, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verified);
  if (verified && !options.caFile.empty()) mysql_options(_handle, MYSQL_OPT_SSL_CA, options.caFile.c_str());
}

MaybeFault Connection::connect(const Host& host, const Options& options) {
  if (mysql_real_connect(_handle, host.name.c_str(), options.user.c_str(), options.password.reveal().c_str(),
                         options.database.c_str(), host.port, nullptr, CLIENT_FOUND_ROWS) != nullptr) {
    return std::nullopt;
  }
  const unsigned code = mysql_errno(_handle);
  return Fault{
      kindOfFault(code),
      "The database " + _name + " cannot be used: " + mysql_error(_handle) + remedyOf(code, options) + '.',
      code};
}

/// An older one would refuse the first statement, and nobody knew why.
MaybeFault Connection::checkVersion() {
  constexpr unsigned long kOldest = 100300;
  const std::string version = mysql_get_server_info(_handle);
  const bool isMariaDb = version.find("MariaDB") != std::string::npos;
  if (isMariaDb && mysql_get_server_version(_handle) >= kOldest) return std::nullopt;
  return Fault{Fault::Kind::refused, "The database " + _name + " is " +
                                         (isMariaDb ? "" : "no MariaDB, but ") + version +
                                         "; p2 needs MariaDB 10.3 or later."};
}

/// What does not fit must not be cut off. Transactions lock no gaps, in which two p2 would block each other,
/// and end when p2 stands still, as others wait for what they have locked. Nothing but a transaction that p2
/// begins is one, whatever the server's defaults are: a cluster is waited for at the begin of one only.
MaybeFault Connection::prepare(const Options& options, std::chrono::seconds patience) {
  auto shown = query("show variables like 'wsrep_on'");
  if (!shown.ok()) return shown.fault();
  _clustered = shown.value().next() && !isOff(shown.value().text(1).value_or(""));
  const auto seconds = [](std::chrono::seconds time) { return std::to_string(time.count()); };
  for (const auto& statement :
       {"set session sql_mode = 'STRICT_ALL_TABLES', innodb_lock_wait_timeout = " + seconds(patience) +
            ", max_statement_time = " + seconds(patience) + ", idle_transaction_timeout = " +
            seconds(options.timeout) + ", autocommit = 1, completion_type = 'NO_CHAIN'" +
            (_clustered ? ", wsrep_dirty_reads = off" : ""),
        std::string("set session transaction isolation level read committed")}) {
    if (auto done = execute(statement); !done.ok()) return done.fault();
  }
  return std::nullopt;
}

MaybeFault Connection::readCausally() {
  if (!_clustered || _causal) return std::nullopt;
  if (auto done = execute("set session wsrep_sync_wait = 1"); !done.ok()) return done.fault();
  _causal = true;
  return std::nullopt;
}

MaybeFault Connection::checkServes() {
  auto shown = query("show global variables like 'read_only'");
  if (!shown.ok()) return shown.fault();
  if (shown.value().next() && !isOff(shown.value().text(1).value_or(""))) {
    return Fault{Fault::Kind::unfit, "The database " + _name +
                                         " is read-only (read_only): if it is a replica, name the primary in "
                                         "store.mariadb.hosts."};
  }
  if (_clustered) return checkInStep();
  return _alsoCheck ? _alsoCheck(*this) : std::nullopt;
}

MaybeFault Connection::checkInStep() {
  if (!_clustered) return std::nullopt;
  auto shown = query(
      "show status where variable_name in ('wsrep_cluster_status', 'wsrep_local_state',"
      " 'wsrep_cluster_state_uuid')");
  if (!shown.ok()) return shown.fault();
  constexpr std::int64_t kSynced = 4;
  bool primary = false;
  bool synced = false;
  std::string id;
  while (shown.value().next()) {
    if (shown.value().text(0) == "wsrep_cluster_status") primary = shown.value().text(1) == "Primary";
    if (shown.value().text(0) == "wsrep_local_state") synced = shown.value().number(1) == kSynced;
    if (shown.value().text(0) == "wsrep_cluster_state_uuid") id = shown.value().text(1).value_or("");
  }
  if (primary && synced) {
    _clusterId = id;
    return std::nullopt;
  }
  return Fault{Fault::Kind::unfit, "The database " + _name +
                                       (primary ? " is not in step with its cluster (wsrep_local_state)."
                                                : " is cut off from its cluster (wsrep_cluster_status).")};
}

Outcome<ResultSet> Connection::query(const std::string& statement) {
  if (mysql_real_query(_handle, statement.data(), statement.size()) != 0) return fault();
  st_mysql_res* result = mysql_store_result(_handle);
  if (result == nullptr) return fault();
  return ResultSet(result);
}

Outcome<ResultSet> Connection::stream(const std::string& statement) {
  if (mysql_real_query(_handle, statement.data(), statement.size()) != 0) return fault();
  st_mysql_res* result = mysql_use_result(_handle);
  if (result == nullptr) return fault();
  return ResultSet(result);
}

MaybeFault Connection::faultOfStream() const {
  return mysql_errno(_handle) == 0 ? MaybeFault() : fault();
}

Outcome<std::uint64_t> Connection::execute(const std::string& statement) {
  if (mysql_real_query(_handle, statement.data(), statement.size()) != 0) return fault();
  return std::uint64_t{mysql_affected_rows(_handle)};
}

Fault Connection::fault() const {
  const unsigned code = mysql_errno(_handle);
  std::string text = "The database " + _name + " failed with error " + std::to_string(code);
  if (isTelling(code)) text += std::string(": ") + mysql_error(_handle);
  if (code == ER_TABLEACCESS_DENIED_ERROR)
    text += "; GRANT that right to the user, or have it done by one who has it";
  return {kindOfFault(code), text + '.', code};
}

std::string literal(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text = "x'";
  text.reserve(bytes.size() * 2 + 3);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 15U];
  }
  text += '\'';
  return text;
}

std::string textLiteral(std::string_view text) {
  return "_utf8mb4 " + literal(text);
}

bool isOff(std::string_view value) {
  return value == "OFF" || value == "0";
}

bool isDurable(std::string_view flushes) {
  return flushes == "1" || flushes == "3";
}

std::string nameOf(const Host& host) {
  return host.name + ':' + std::to_string(host.port);
}

}  // namespace p2::mariadb
