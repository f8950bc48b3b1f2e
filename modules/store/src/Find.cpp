#include "p2/store/Find.h"

#include "Answer.h"

#include <future>
#include <utility>

namespace p2::store {

core::Result<Registrations::Found> find(const Registrations& registrations, std::string node,
                                        std::chrono::milliseconds bound) {
  std::promise<core::Result<Registrations::Found>> promise;
  auto answer = promise.get_future();
  registrations.lookUp(std::move(node), "",
                       [promise = std::move(promise)](core::Result<Registrations::Found> found) mutable {
                         promise.set_value(std::move(found));
                       });
  if (answer.wait_for(bound) != std::future_status::ready) {
    return core::Error{"The store has not answered in time."};
  }
  return resultOf(answer);
}

}  // namespace p2::store
