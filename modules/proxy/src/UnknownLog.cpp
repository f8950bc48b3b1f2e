#include "UnknownLog.h"

#include "Repeats.h"
#include "p2/core/Words.h"

#include <Poco/Logger.h>

#include <algorithm>
#include <chrono>

namespace p2::proxy {

namespace {

// A first push alone does not tell whether others find their phones.
constexpr std::chrono::minutes kFirstWindow{1};

std::string sentence(std::uint64_t missed, std::uint64_t found, std::chrono::seconds time) {
  return core::grouped(missed) + (missed == 1 ? " push" : " pushes") + " within " + core::inWords(time) +
         (missed == 1 ? " was" : " were") + " for phones that are not in this store, and " +
         core::grouped(found) +
         " for phones that are: a server is told that such a phone is not there once limits.unknownAfter has "
         "passed since the first push for it, and asked to wait before; is it the right store (store.path, "
         "or "
         "store.mariadb.database)?";
}

}  // namespace

void UnknownLog::missed() {
  const auto now = _clock.now();
  const auto found = _found.load(std::memory_order_relaxed);
  _state.with([&](State& state) {
    if (!state.window) {
      const auto first = now + kFirstWindow;
      const auto end = state.lastLine ? std::max(first, *state.lastLine + Repeats::kEvery) : first;
      state.window = Window{now, end, found, 0};
    }
    ++state.window->missed;
  });
}

void UnknownLog::watch() {
  const auto now = _clock.now();
  const auto window = _state.with([&](State& state) {
    std::optional<Window> over;
    if (!state.window || now < state.window->end) return over;
    over.swap(state.window);
    state.lastLine = now;
    return over;
  });
  if (!window) return;
  const auto found = _found.load(std::memory_order_relaxed) - window->foundBefore;
  const auto time = std::chrono::duration_cast<std::chrono::seconds>(now - window->begin);
  const auto line = sentence(window->missed, found, time);
  auto& log = Poco::Logger::get("proxy");
  if (window->missed > found) {
    log.warning(line);
  } else {
    log.information(line);
  }
}

}  // namespace p2::proxy
