#pragma once

#include "Server.h"
#include "p2/mariadb/Options.h"
#include "p2/store/Registration.h"

#include <string>
#include <vector>

namespace p2::mariadb::test {

/// A table as the reference service has made it, or its operator.
struct ReferenceShape {
  const char* name;
  const char* creation;
  bool hasService;
  bool hasChannel;
};

/// All of them, from the first version on.
inline constexpr ReferenceShape kReferenceShapes[] = {
    {"version 0.3",
     "create table target (device char(40), domain varchar(253), token varchar(255), node char(12),"
     " secret char(24), primary key (device), index (node, domain))",
     false, false},
    {"as made last",
     "create table target (service char(4), device char(40) not null, channel char(40) not null default '',"
     " domain varchar(253), token varchar(255), node char(12), secret char(24), primary key (device, "
     "channel),"
     " index nodeDomain (node, domain))",
     true, true},
    {"widened by hand",
     "create table target (device char(40), domain varchar(253), token varchar(255), node char(12),"
     " secret char(24), service char(4), channel char(40) not null default '',"
     " primary key (device, channel), index nodeDomain (node, domain))",
     true, true},
    {"with a key of its own",
     "create table target (ID bigint auto_increment primary key, Service varchar(10), Device varchar(40),"
     " channel varchar(40), domain text, token text, node varchar(40) binary, secret varchar(40),"
     " unique key (device), key (node)) engine = MyISAM",
     true, true},
    {"of bytes",
     "create table target (service varbinary(4), device varbinary(40), channel varbinary(40),"
     " domain varbinary(253), token blob, node varbinary(12), secret varbinary(24), primary key (device))",
     true, true}};

/// What the reference service says to its database, as its JDBC driver does: texts as literals, in UTF-8.
class ReferenceService {
 public:
  /// Both must outlive it.
  ReferenceService(const Server& server, const std::string& database)
      : _server(server), _database(database) {}

  using Values = std::vector<std::string>;

  /// Makes a registration.
  void create(const store::Registration& row) const {
    run("INSERT INTO target (service,device,domain,token,node,secret) VALUES('" + std::string(nameOf(row)) +
        "','" + row.key.device + "','" + row.domain + "','" + row.target.value.reveal() + "','" + row.node +
        "','" + row.secret.reveal() + "')");
  }
  /// The same, of version 0.3.
  void createWithoutService(const store::Registration& row) const {
    run("INSERT INTO target (device,domain,token,node,secret) VALUES('" + row.key.device + "','" +
        row.domain + "','" + row.target.value.reveal() + "','" + row.node + "','" + row.secret.reveal() +
        "')");
  }
  /// Token and secret under which it would push; nothing if it denies the node.
  Values find(const std::string& domain, const std::string& node) const {
    return run("select concat(token, ' ', secret) from target where domain='" + domain + "' and node='" +
               node + "' limit 1");
  }
  /// What it would answer to a phone that registers.
  Values find(const store::DeviceKey& key) const {
    return run("select concat(node, ' ', secret) from target where service='" +
               std::string(store::nameOf(key.service)) + "' and device='" + key.device + "' and channel='" +
               key.channel + "'");
  }
  void update(const store::DeviceKey& key, const std::string& token) const {
    run("update target set token='" + token + "' where device='" + key.device + "' and channel='" +
        key.channel + "'");
  }
  void remove(const store::DeviceKey& key) const {
    run("delete from target where device='" + key.device + "' and channel='" + key.channel + "'");
  }

 private:
  static std::string_view nameOf(const store::Registration& row) { return store::nameOf(row.key.service); }
  Values run(const std::string& statement) const { return _server.run(_database, statement); }

  const Server& _server;
  const std::string _database;
};

}  // namespace p2::mariadb::test
