#pragma once

#include "support/Catch.h"

#include <lmdb.h>

#include <filesystem>
#include <string>

namespace p2::lmdb::test {

/// Writes into the file with LMDB itself, past the store.
inline void putRaw(const std::filesystem::path& path, const char* table, const std::string& key,
                   const std::string& value) {
  MDB_env* env = nullptr;
  MDB_txn* transaction = nullptr;
  MDB_dbi dbi = 0;
  REQUIRE(mdb_env_create(&env) == 0);
  mdb_env_set_maxdbs(env, 8);
  REQUIRE(mdb_env_open(env, path.c_str(), 0, 0600) == 0);
  REQUIRE(mdb_txn_begin(env, nullptr, 0, &transaction) == 0);
  REQUIRE(mdb_dbi_open(transaction, table, MDB_CREATE, &dbi) == 0);
  MDB_val where{key.size(), const_cast<char*>(key.data())};
  MDB_val what{value.size(), const_cast<char*>(value.data())};
  REQUIRE(mdb_put(transaction, dbi, &where, &what, 0) == 0);
  REQUIRE(mdb_txn_commit(transaction) == 0);
  mdb_env_close(env);
}

}  // namespace p2::lmdb::test
