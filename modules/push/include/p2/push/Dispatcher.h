#pragma once

#include "p2/core/Clock.h"
#include "p2/core/Metrics.h"
#include "p2/core/UniqueFunction.h"
#include "p2/push/Message.h"
#include "p2/push/Outcome.h"
#include "p2/push/Sender.h"
#include "p2/push/ServiceName.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace p2::push {

/// Queues pushes for one push service and has them sent by a pool of worker threads, each with a Sender of
/// its own. The pool grows while pushes wait and shrinks when workers idle. All that is known of a push
/// service is its dispatcher's: for another one there is another.
///
/// - A push for a node that is queued already joins it: one message, the newest, and all get its outcome. A
///   push for a node whose message is being sent is queued anew.
/// - A node gets one message each `spacing` at most; what comes earlier waits and becomes one message.
/// - Pushes belong to flows, those of one domain, which take turns: one that floods delays only itself. When
///   the queue is full, a push of a flow with less than its fair share displaces the newest one of the
///   longest flow, which ends as retry.
/// - A passing fault is tried again after a backoff with jitter, or after the push service's Retry-After.
///   Where that leaves too little of the deadline, the outcome is retry at once instead of at the deadline.
/// - When faults are the push service's and not single targets' (429, 5xx, not reached: see Throttle), all
///   workers hold back together: pushes that cannot be sent in time end as retry at once; then one probe is
///   sent, and with every success one more at a time.
/// - That a target is gone is believed when the push service says so again after `goneAfter`, and not when it
///   says so of too many: else the outcome is doubted. Once a message, however many wait for it.
/// - The outcome is known by the deadline, whatever the sender does. What it says later is only counted.
///
/// Metrics, each with the label service: p2_pushes_total{outcome}, p2_push_given_up_total{reason},
/// p2_push_coalesced_total, p2_push_retries_total, p2_push_callback_errors_total, p2_push_queue,
/// p2_push_workers, p2_push_seconds, p2_targets_in_grace. Logs to "push". Thread-safe.
class Dispatcher {
 public:
  struct Options {
    ServiceName service;  ///< Whose senders they are. No two dispatchers of one registry share a key.
    std::size_t maxWorkers = 256;  ///< `connections` of the service, at least 1. Changes live.
    /// `push.queue`: nodes waiting at most; all who wait hold 4 KiB a node at most (or 1 MiB), of which one
    /// flow has half at most. Those that are tried again count, but are never refused. Changes live.
    std::size_t queueCapacity = 20000;
    /// `push.deadline`: the outcome is known by then. Changes live, also for those that wait already.
    std::chrono::milliseconds deadline{25000};
    /// `push.spacing`: from one message for a node to the next. Pushes that come earlier wait so long and
    /// become one. Zero: none. Changes live.
    std::chrono::milliseconds spacing{0};
    /// `goneAfter` of the service: a second verdict that a target is gone is believed after so long. Zero:
    /// the first one is. Changes live, also for those that were called gone already.
    std::chrono::milliseconds goneAfter{3600000};
    std::chrono::milliseconds idleLimit{60000};       ///< A worker without work for so long ends.
    const core::Clock* clock = &core::systemClock();  ///< Must outlive the dispatcher.
  };

  /// Whether the senders speak to the same address as before, with the same credentials, or what they are
  /// told has nothing to do with what the old ones were.
  enum class Credentials { same, other };

  /// Called exactly once: in a worker's or the timer's thread, in that of `drain` or the destructor, or in
  /// that of a `submit` if the push is refused at once or displaced by another. Must not block, nor call
  /// `drain`; may call `submit`. What it throws is logged and counted.
  using Done = core::UniqueFunction<void(const Outcome&)>;

  /// `makeSender` is called in each new worker's thread. If it throws or gives nothing, that is a passing
  /// fault.
  Dispatcher(const Options& options, SenderFactory makeSender, core::Metrics& metrics);
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;
  /// Stops at once: what is unfinished ends as retry. Then joins the workers, which takes until their senders
  /// return: at most the deadline, and what they need to find a host's addresses, which the system bounds
  /// (seconds for each of its name servers).
  ~Dispatcher();

  /// Queues a message for `node`, which belongs to `flow`; does not block. `message` and `done` hold `bytes`
  /// of memory.
  /// If the queue is full or stopping, or the push service asks to wait for longer than the deadline, `done`
  /// is called with retry.
  void submit(const std::string& flow, const std::string& node, Message message, Done done,
              std::size_t bytes);

  /// Takes no more pushes, waits up to `bound` for those in hand, and ends the rest as retry. When it returns
  /// no Done runs, nor will one: it waits for those that do, without a bound, as they do not block.
  void drain(std::chrono::milliseconds bound);

  /// Takes over what changes live. Workers beyond the new maximum end with their message in hand.
  void reconfigure(const Options& options);
  /// From now on every worker uses a fresh sender from `makeSender`, once it has finished the message in
  /// hand. With other credentials, all that is known of targets that seem gone and of throttling is
  /// forgotten, and what the old senders still hear does not count.
  void replaceSenders(SenderFactory makeSender, Credentials credentials);

  const ServiceName& service() const noexcept;
  /// Pushes waiting to be sent or to be tried again.
  std::size_t queued() const;
  std::size_t workers() const;
  /// Whether so many targets are called gone at once that none is believed to be.
  bool targetsSeemGone() const;

 private:
  class Impl;
  std::unique_ptr<Impl> _impl;
};

}  // namespace p2::push
