#pragma once

#include "Environment.h"
#include "Tables.h"
#include "p2/core/Guarded.h"
#include "p2/core/Result.h"
#include "p2/store/FairQueue.h"
#include "p2/store/PendingChanges.h"

#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace p2::lmdb {

/// Why a change is not on disk.
struct WriteFailure {
  enum class Stage {
    queue,  ///< It was not even queued; what was queued before it may be undecided still.
    commit  ///< It failed in its turn: what was queued before it has been written or has failed.
  };
  Stage stage;
  core::Error error;
};

/// Something that is to be written, and somebody who is to be told.
class Change {
 public:
  virtual ~Change() = default;

  /// Does its work in a write transaction and keeps what it came to. Is called again, in another transaction,
  /// if that one was given up. Gives LMDB's code: any but 0 fails the whole batch.
  virtual int apply(Tables& tables) = 0;
  /// Tells what it came to, once: after the commit if `failure` is null, else that it failed.
  virtual void finish(const WriteFailure* failure) = 0;
  /// How much it needs in the file, if that is more than a few pages.
  virtual std::size_t bytesNeeded() const { return 0; }
};

/// The one thread that writes. It takes all changes that have come in while it was committing the last ones,
/// makes them durable with one commit, and only then tells each. A commit that fails fails its changes; the
/// next is tried afresh. Thread-safe.
class Writer {
 public:
  struct Item {
    std::unique_ptr<Change> change;
    store::PendingChanges::Ticket ticket;  ///< Given back when the outcome can be read, before it is told.
    /// Whose turn it takes: that of a domain (store::flowOf), the same for all changes of one device; or p2's
    /// own if empty, which goes first.
    std::string flow{};
  };

  Writer(Environment& environment, std::size_t queueCapacity, std::size_t maxBatch);
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  /// Writes what is queued and joins.
  ~Writer();

  /// Queues a change. If the queue is full it fails at once, in the calling thread; or the newest change of
  /// the longest flow does, if that is longer than its own.
  void submit(Item item);

  /// Why the last write failed; empty if it did not.
  std::string lastFault() const;

 private:
  using Batch = std::vector<Item>;

  void run();
  void write(Batch batch);
  core::Result<bool> commit(const Batch& batch);
  void noteOutcome(const core::Result<bool>& committed);

  Environment& _environment;
  const std::size_t _queueCapacity;
  const std::size_t _maxBatch;
  store::FairQueue<Item> _queue;
  core::Guarded<std::string> _lastFault;
  std::thread _thread;  ///< Last: it uses all of the above.
};

}  // namespace p2::lmdb
