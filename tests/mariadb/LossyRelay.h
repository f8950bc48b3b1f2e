#pragma once

#include "p2/mariadb/Options.h"

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace p2::mariadb::test {

/// Stands between p2 and a database, and cuts connections at a commit. Used by one thread.
class LossyRelay {
 public:
  enum class Loss {
    none,
    ofCommit,  ///< The commit does not reach the database.
    ofAnswer,  ///< It takes place, and nobody is told.
  };

  explicit LossyRelay(const Host& database);
  LossyRelay(const LossyRelay&) = delete;
  LossyRelay& operator=(const LossyRelay&) = delete;
  ~LossyRelay();

  Host host() const { return {"127.0.0.1", _port}; }
  /// What becomes of the next commit.
  void lose(Loss loss) { _loss = loss; }
  /// Whether that has happened.
  bool hasLost() const { return _loss == Loss::none; }

 private:
  void accept();
  void relay(int client);
  bool pass(int from, int to, bool toDatabase);

  const Host _database;
  int _listener = -1;
  std::uint16_t _port = 0;
  std::atomic<Loss> _loss{Loss::none};
  std::atomic<bool> _stopping{false};
  std::vector<std::thread> _relays;
  std::thread _thread;  ///< Last: it uses all of the above.
};

}  // namespace p2::mariadb::test
