#include "p2/mariadb/Library.h"

#include <mysql.h>

namespace p2::mariadb {

std::string libraryVersion() {
  return mysql_get_client_info();
}

}  // namespace p2::mariadb
