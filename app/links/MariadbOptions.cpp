#include "links/MariadbOptions.h"

namespace p2::app {

mariadb::Options mariadbOptions(const settings::Settings::Store::Mariadb& settings) {
  mariadb::Options options;
  for (const auto& host : settings.hosts) options.hosts.push_back({host.host, host.port});
  options.database = settings.database;
  options.user = settings.user;
  options.password = settings.password;
  options.tls = settings.tls == settings::DatabaseTls::verified ? mariadb::Tls::verified : mariadb::Tls::none;
  options.caFile = settings.caFile.string();
  options.connections = settings.connections;
  options.timeout = settings.timeout;
  return options;
}

}  // namespace p2::app
