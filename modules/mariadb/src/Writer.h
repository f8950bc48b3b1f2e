#pragma once

#include "Connection.h"
#include "Fault.h"
#include "FoundCache.h"
#include "Hosts.h"
#include "Records.h"
#include "Session.h"
#include "WorkingSet.h"
#include "p2/core/Backoff.h"
#include "p2/core/Guarded.h"
#include "p2/core/Result.h"
#include "p2/mariadb/Options.h"
#include "p2/store/FairQueue.h"
#include "p2/store/PendingChanges.h"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <variant>
#include <vector>

namespace p2::mariadb {

/// A change of what stands under one name, and somebody who is to be told.
class Change {
 public:
  virtual ~Change() = default;

  virtual const Name& name() const = 0;
  /// It is tried, perhaps again, and what it came to before was not committed.
  virtual void begin() {}
  /// Does its work on the rows and keeps what it came to. Called again, on other rows, if those could not be
  /// written.
  virtual void apply(WorkingSet& rows) = 0;
  /// Tells what it came to, once: after the commit if `failure` is null.
  virtual void finish(const core::Error* failure) = 0;
};

/// Something that takes a transaction of its own.
class Task {
 public:
  virtual ~Task() = default;

  /// Called again, in another transaction, if that one was not committed.
  virtual MaybeFault run(Connection& connection) = 0;
  /// The nodes that the last run has changed.
  virtual std::span<const std::string> touched() const = 0;
  virtual void finish(const core::Error* failure) = 0;
};

/// The one thread that writes. Changes that have come in while it wrote the last ones go into one
/// transaction, and each is told after the commit. A transaction that met another one, or lost its
/// connection, is done again from its beginning for some seconds. Thread-safe.
class Writer {
 public:
  struct Item {
    std::variant<std::unique_ptr<Change>, std::unique_ptr<Task>> work;
    store::PendingChanges::Ticket ticket;  ///< Given back when the outcome can be read, before it is told.
    std::string flow{};                    ///< As lmdb has it: a domain's, or p2's own if empty.
    core::Clock::TimePoint since{};        ///< When it was submitted.
  };

  /// All must outlive it: `found`, from which it drops what it changes, and `holdsAny`, in which it notes
  /// whether the table has rows.
  Writer(const Options& options, Hosts& hosts, FoundCache& found, std::atomic<bool>& holdsAny);
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() { stop(); }

  /// Writes what is queued, each transaction with one try, and joins the thread. What is submitted from now
  /// on fails at once.
  void stop();

  /// Queues work. If the queue is full it fails at once, in the calling thread; or the newest of the longest
  /// flow does, if that is longer than its own.
  void submit(Item item);

  /// Why the last write failed; empty if it did not.
  std::string lastFault() const;

 private:
  using Batch = std::vector<Item>;

  void run();
  void write(Batch batch);
  void writeSome(std::span<Item> items);
  void refuseLate(Batch& batch);
  static void answer(std::span<Item> items, const std::optional<core::Error>& failure);
  template <class Work>
  MaybeFault durably(Work& work, core::Clock::TimePoint since);
  template <class Work>
  MaybeFault attempt(Work& work, core::Clock::TimePoint since, bool& uncertain);
  bool waitForNextTry(Fault::Kind kind, core::Clock::TimePoint deadline);
  void noteOutcome(const MaybeFault& fault);

  const Options& _options;
  Hosts& _hosts;
  FoundCache& _found;
  std::atomic<bool>& _holdsAny;
  Session _session;
  core::Backoff _contention;
  store::FairQueue<Item> _queue;
  core::Guarded<std::string> _lastFault;
  std::mutex _mutex;
  std::condition_variable _wake;
  bool _closing = false;  ///< Under _mutex.
  std::thread _thread;    ///< Last: it uses all of the above.
};

}  // namespace p2::mariadb
