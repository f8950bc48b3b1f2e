#include "p2/store/Forget.h"

#include "Answer.h"

#include <future>
#include <utility>
#include <vector>

namespace p2::store {

core::Result<std::uint64_t> forgetNodes(RegistrationStore& store, std::span<const std::string> nodes,
                                        std::chrono::milliseconds bound) {
  const auto deadline = std::chrono::steady_clock::now() + bound;
  std::vector<std::future<core::Result<bool>>> outcomes;
  outcomes.reserve(nodes.size());
  for (const auto& node : nodes) {
    std::promise<core::Result<bool>> promise;
    outcomes.push_back(promise.get_future());
    store.forget(node, [promise = std::move(promise)](core::Result<bool> done) mutable {
      promise.set_value(std::move(done));
    });
  }
  std::uint64_t removed = 0;
  bool late = false;
  std::string fault;
  for (auto& outcome : outcomes) {
    if (outcome.wait_until(deadline) != std::future_status::ready) {
      late = true;
      continue;
    }
    const auto done = resultOf(outcome);
    if (!done) {
      fault = done.error();
    } else if (done.value()) {
      ++removed;
    }
  }
  // What was refused is not removed later: that weighs more.
  if (!fault.empty()) return core::Error{fault};
  if (late) {
    return core::Error{"The disk has not confirmed it in time; what was asked for is removed when it does."};
  }
  return removed;
}

}  // namespace p2::store
