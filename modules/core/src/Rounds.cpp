#include "p2/core/Rounds.h"

#include <utility>

namespace p2::core {

Rounds::Rounds(Duration rest, Round round) : _round(std::move(round)), _thread([this, rest] { run(rest); }) {}

Rounds::~Rounds() {
  stop();
  _thread.join();
}

void Rounds::stop() {
  {
    const std::scoped_lock lock(_mutex);
    _stopping = true;
  }
  _wake.notify_all();
}

void Rounds::run(Duration rest) {
  std::unique_lock lock(_mutex);
  while (!_wake.wait_for(lock, rest, [this] { return _stopping.load(); })) {
    lock.unlock();
    rest = _round(_stopping);
    lock.lock();
  }
}

}  // namespace p2::core
