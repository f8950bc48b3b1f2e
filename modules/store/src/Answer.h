#pragma once

#include "p2/core/Result.h"

#include <future>

namespace p2::store {

/// What a store has called back with. REQUIRES: it is there. A callback that is dropped, for lack of memory,
/// is an error, too.
template <class T>
core::Result<T> resultOf(std::future<core::Result<T>>& answer) {
  try {
    return answer.get();
  } catch (const std::future_error&) {
    return core::Error{"The store gave no answer."};
  }
}

}  // namespace p2::store
