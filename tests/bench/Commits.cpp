/// The floor of registering: one durable LMDB commit for each registration, on the disk of DIRECTORY.
///
///     p2_bench_commits DIRECTORY SECONDS
#include "Phones.h"

#include <lmdb.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

constexpr std::size_t kMapSize = std::size_t{1} << 30U;

void check(int code) {
  if (code == 0) return;
  std::fprintf(stderr, "p2_bench_commits: %s\n", mdb_strerror(code));
  std::exit(1);
}

MDB_val lent(std::string& bytes) {
  return {bytes.size(), bytes.data()};
}

void put(MDB_txn* transaction, MDB_dbi table, std::string& key, std::string& value) {
  MDB_val where = lent(key);
  MDB_val what = lent(value);
  check(mdb_put(transaction, table, &where, &what, 0));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  MDB_env* env = nullptr;
  check(mdb_env_create(&env));
  check(mdb_env_set_maxdbs(env, 2));
  check(mdb_env_set_mapsize(env, kMapSize));
  check(mdb_env_open(env, argv[1], 0, 0600));
  MDB_txn* transaction = nullptr;
  MDB_dbi targets = 0;
  MDB_dbi devices = 0;
  check(mdb_txn_begin(env, nullptr, 0, &transaction));
  check(mdb_dbi_open(transaction, "targets", MDB_CREATE, &targets));
  check(mdb_dbi_open(transaction, "devices", MDB_CREATE, &devices));
  check(mdb_txn_commit(transaction));

  using Clock = std::chrono::steady_clock;
  const auto began = Clock::now();
  const auto end = began + std::chrono::milliseconds(std::strtol(argv[2], nullptr, 10) * 1000);
  std::uint64_t count = 0;
  for (; Clock::now() < end; ++count) {
    auto phone = p2::bench::phone(count);
    std::string record = phone.device + phone.domain + phone.token + phone.secret + std::string(29, '\0');
    check(mdb_txn_begin(env, nullptr, 0, &transaction));
    put(transaction, targets, phone.node, record);
    put(transaction, devices, phone.device, phone.node);
    check(mdb_txn_commit(transaction));
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  std::printf("{\"count\":%llu,\"rate\":%.1f}\n", static_cast<unsigned long long>(count),
              static_cast<double>(count) / seconds);
  mdb_env_close(env);
  return 0;
}
