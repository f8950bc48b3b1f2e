#pragma once

#include "Residency.h"
#include "p2/core/BoundedQueue.h"
#include "p2/core/Clock.h"
#include "p2/core/Result.h"
#include "p2/store/Registration.h"
#include "p2/store/Registrations.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

namespace p2::lmdb {

/// Look-ups that would wait for the disk: in threads of their own, so that the thread which asks, a stream's,
/// goes on meanwhile. What was looked up within the last minute is in memory still, and so is all that a
/// small store holds after its start (Residency): for that there are no threads. Thread-safe.
class Lookups {
 public:
  using Name = std::variant<std::string, store::DeviceKey>;
  using Found = store::Registrations::Found;
  using Callback = store::Registrations::Callback<Found>;
  using Find = std::function<core::Result<Found>(const Name&)>;

  /// `clock` and `residency` must outlive it.
  Lookups(const core::Clock& clock, const Residency& residency, std::size_t capacity, Find find);
  Lookups(const Lookups&) = delete;
  Lookups& operator=(const Lookups&) = delete;
  ~Lookups() { stop(); }

  /// Answers what is asked, and joins the threads. What is asked from now on fails at once.
  void stop();

  /// Whether it can be looked up in the calling thread: without waiting for the disk, and without overtaking
  /// what was asked of the same device before.
  bool atOnce(const std::string& node);
  bool atOnce(const store::DeviceKey& key) const;
  /// Calls back in one of the threads; at once if too much waits.
  void ask(Name name, Callback done);

 private:
  struct Sought {
    Name name;
    Callback done;
  };
  using Queue = core::BoundedQueue<Sought>;

  void begin();
  void run(Queue& queue);
  void answer(Sought& sought);
  std::uint64_t markOf(const std::string& node) const;

  const core::Clock& _clock;
  const Residency& _residency;
  const std::size_t _capacity;
  const Find _find;
  /// The nodes that were looked up last, one for each of their hashes, with the time.
  std::array<std::atomic<std::uint64_t>, 4096> _recent{};
  std::atomic<std::size_t> _devicesWaiting{0};
  Queue _nodes;
  Queue _devices;  ///< For one thread: a withdrawal must not overtake the registration before it.
  std::once_flag _begun;
  std::vector<std::thread> _threads;  ///< They use all of the above; begun when the first is needed.
};

}  // namespace p2::lmdb
