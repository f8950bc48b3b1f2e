#pragma once

#include "p2/mariadb/Options.h"
#include "p2/mariadb/Store.h"
#include "store/Samples.h"
#include "support/TemporaryFile.h"

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace p2::mariadb::test {

/// A MariaDB of its own: a process in a temporary directory that listens on a free port of the loopback
/// address, and is as durable as one in production. Gone at the end, whatever has become of it.
class Server {
 public:
  /// The one that tests share; it is started by the first.
  static Server& shared();

  /// A MariaDB alone. Throws, with a sentence, if it cannot be started.
  Server();
  /// A node of a Galera cluster: the first one, or one that joins `other`. `options`: of the provider.
  explicit Server(const Server* other, const std::string& options);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  std::vector<Host> hosts() const { return {{"127.0.0.1", _port}}; }

  /// Kills it without a warning.
  void kill();
  /// Starts it again on the same port and data.
  void start();
  /// Stops its process where it stands, or lets it go on.
  void freeze(bool frozen) const;

  /// As root; gives the first column of each row. Throws if the statement fails.
  std::vector<std::string> run(const std::string& statement) const { return run("", statement); }
  std::vector<std::string> run(const std::string& database, const std::string& statement) const;
  /// PEM of the authority that has signed the certificate of a MariaDB alone, for "localhost".
  static const std::string& authorityFile();

  /// A fresh database, and how p2 reaches it; its tables are not there yet.
  Options freshDatabase();
  /// The same with p2's tables.
  Options freshTables();
  /// Makes here what another server's fresh tables are; gives this host.
  Host twinOf(Options options) const;

 private:
  void beginAfresh();
  void begin();
  void writeCertificate();
  void install() const;
  void launch();
  bool answers() const;
  std::string endOfLog() const;

  std::vector<std::string> _arguments;
  std::string _group;  ///< Where other nodes reach this one; empty if there are none.
  store::test::TemporaryDirectory _directory;
  p2::test::TemporaryFile _certificate;
  p2::test::TemporaryFile _key;
  std::uint16_t _port = 0;
  pid_t _pid = -1;
};

/// Makes or widens the tables there. Throws if they cannot be.
void migrated(const Options& options);
/// Throws if it cannot be opened.
std::unique_ptr<Store> opened(const Options& options);
/// Why it cannot be opened; empty if it can.
std::string faultOfOpening(const Options& options);
/// What `p2 check` says of the hosts, each in a line.
std::string remarksOn(const Options& options);

}  // namespace p2::mariadb::test
