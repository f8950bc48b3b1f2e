#pragma once

#include <utility>

namespace p2::store {

/// Calls back. A callback must not throw: if it does, it has been told all the same, and the others must be.
template <class Callback, class... Arguments>
void tell(Callback&& done, Arguments&&... arguments) noexcept {
  try {
    std::forward<Callback>(done)(std::forward<Arguments>(arguments)...);
  } catch (...) {
    // Nobody is there to whom it could be told.
  }
}

}  // namespace p2::store
