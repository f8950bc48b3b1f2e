#include "p2/settings/DatabaseUrl.h"
#include "support/Catch.h"

#include <string>

using namespace p2::settings;

TEST_CASE("A database is named as the reference service names it, or shorter") {
  for (const char* text :
       {"mariadb://u@db:3307/push", "jdbc:mariadb://db:3307/push?user=u",
        "JDBC:MySQL://db:3307/push?x=1&user=u", "mariadb://%75@db:3307/pus%68?useSsl=false"}) {
    INFO(text);
    const auto address = parseDatabaseUrl(text);
    REQUIRE(address.ok());
    REQUIRE(address.value().hosts.size() == 1);
    CHECK(address.value().hosts[0].host == "db");
    CHECK(address.value().hosts[0].port == 3307);
    CHECK(address.value().database == "push");
    CHECK(address.value().user == "u");
    CHECK(address.value().password.empty());
    CHECK(address.value().tls == DatabaseTls::none);
  }
}

TEST_CASE("Hosts of a cluster, a password and encryption are read out of it") {
  const auto address = parseDatabaseUrl(
      "jdbc:mariadb://db1,[::1]:3308/push?password=a%26b&useSSL=true&serverSslCert=/etc/ca.pem");
  REQUIRE(address.ok());
  REQUIRE(address.value().hosts.size() == 2);
  CHECK(address.value().hosts[0].port == 3306);
  CHECK(address.value().hosts[1].host == "::1");
  CHECK(address.value().password.equals("a&b"));
  CHECK(address.value().tls == DatabaseTls::verified);
  CHECK(address.value().caFile == "/etc/ca.pem");
  CHECK(parseDatabaseUrl("mariadb://u:p@w@h/d").value().password.equals("p@w"));
  CHECK(parseDatabaseUrl("mariadb://h/d?sslMode=verify-full").value().tls == DatabaseTls::verified);
  CHECK(parseDatabaseUrl("mariadb://h/d?sslMode=DISABLED").value().tls == DatabaseTls::none);
}

TEST_CASE("What names no database is refused, and shows nothing of itself") {
  for (const char* text : {"", "push", "mariadb://", "mariadb://host", "mariadb://host/", "mariadb:///push",
                           "mariadb://host:0/push", "mariadb://host:x/push", "postgres://host/push",
                           "jdbc:h2:mem:secret", "mariadb://u:secret@host/%zz", "mariadb://,/push"}) {
    INFO(text);
    const auto address = parseDatabaseUrl(text);
    REQUIRE_FALSE(address.ok());
    CHECK(address.error().find("mariadb://USER@HOST:PORT/DATABASE") != std::string::npos);
    CHECK(address.error().find("secret") == std::string::npos);
  }
}
