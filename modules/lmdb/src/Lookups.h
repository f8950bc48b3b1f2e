#pragma once

#include "Residency.h"
#include "p2/core/Clock.h"
#include "p2/core/Guarded.h"
#include "p2/core/Result.h"
#include "p2/store/FairQueue.h"
#include "p2/store/Registration.h"
#include "p2/store/Registrations.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <unordered_set>
#include <variant>
#include <vector>

namespace p2::lmdb {

/// Look-ups that would wait for the disk: in threads of their own, so that the thread which asks, a stream's,
/// goes on meanwhile, and does so when too much waits, which is refused. What was looked up within the last
/// minute is in memory still, and so is all that a small store holds after its start (Residency): that needs
/// no thread, however much waits. Thread-safe.
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

  /// Ends what is being read, and joins the threads. All else, and what is asked from now on, fails at once.
  void stop();

  /// Whether the calling thread is one of those that wait for the disk: what it looks up need not be asked.
  static bool mayWaitHere() noexcept;
  /// Whether it can be looked up in any other thread: without waiting for the disk, and without overtaking
  /// what was asked of the same device before.
  bool atOnce(const std::string& node);
  bool atOnce(const store::DeviceKey& key);
  /// Calls back in one of the threads; with an error at once if too much waits, or when another flow needs
  /// the place, and without reading if nobody waits for it any more (Registrations::kPatience). `flow`: as in
  /// FairQueue, the same for all that is asked of one device.
  void ask(Name name, const std::string& flow, Callback done);

 private:
  struct Sought {
    Name name;
    Callback done;
    core::Clock::TimePoint since{};  ///< When it was asked.
  };
  using Queue = store::FairQueue<Sought>;

  bool begin();
  void run(Queue& queue);
  void answer(Sought& sought);
  core::Result<Found> look(const Sought& sought);
  bool wasLookedUp(std::size_t hash);
  void noteLookedUp(std::size_t hash);
  std::uint64_t markOf(std::size_t hash) const;
  void leave(const Name& name);

  const core::Clock& _clock;
  const Residency& _residency;
  const std::size_t _capacity;
  const Find _find;
  /// What was looked up last, one for each of the hashes, with the time.
  std::array<std::atomic<std::uint64_t>, 4096> _recent{};
  core::Guarded<std::unordered_multiset<std::size_t>>
      _devicesWaiting;  ///< Hashes of those that are asked for.
  std::atomic<bool> _closing{false};
  Queue _nodes;
  Queue _devices;  ///< For one thread: a withdrawal must not overtake the registration before it.
  /// They use all of the above; begun when the first is needed.
  core::Guarded<std::vector<std::thread>> _threads;
};

}  // namespace p2::lmdb
