#pragma once

#include "p2/core/Clock.h"
#include "p2/core/Metrics.h"
#include "p2/core/UniqueFunction.h"
#include "p2/push/Message.h"
#include "p2/push/Outcome.h"
#include "p2/push/Sender.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace p2::push {

/// Queues pushes and has them sent by a pool of worker threads, each with a Sender of its own. The pool grows
/// while pushes wait and shrinks when workers idle. A push for a node that is queued already joins it: one
/// message, all get its outcome. A passing fault is tried again inside the push's deadline; when the push
/// service throttles, all workers hold back together. Thread-safe.
class Dispatcher {
 public:
  struct Options {
    std::size_t maxWorkers = 256;       ///< `fcm.connections`. Changes live.
    std::size_t queueCapacity = 20000;  ///< `push.queue`: nodes waiting at most. Changes live.
    std::chrono::milliseconds deadline{
        25000};  ///< `push.deadline`: the outcome is known by then. Changes live.
    std::chrono::milliseconds idleLimit{60000};  ///< A worker without work for so long ends.
    std::chrono::milliseconds defaultBrake{
        60000};  ///< Hold back for so long if throttled without a Retry-After.
    const core::Clock* clock = &core::systemClock();  ///< Must outlive the dispatcher.
  };

  /// Called exactly once: in a worker's or the timer's thread, or in the caller's if the push is refused at
  /// once. Must not block.
  using Done = core::UniqueFunction<void(const Outcome&)>;

  /// `makeSender` is called in each new worker's thread.
  Dispatcher(const Options& options, SenderFactory makeSender, core::Metrics& metrics);
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;
  /// Stops at once: what is unfinished ends as retry. Joins the workers.
  ~Dispatcher();

  /// Queues a message for `node`; does not block. If the queue is full or stopping, `done` is called with
  /// retry.
  void submit(const std::string& node, Message message, Done done);

  /// Takes no more pushes, waits up to `bound` for those in hand, and ends the rest as retry.
  void drain(std::chrono::milliseconds bound);

  /// Takes over what changes live.
  void reconfigure(const Options& options);
  /// From now on every worker uses a fresh sender from `makeSender`, once it has finished the message in
  /// hand.
  void replaceSenders(SenderFactory makeSender);

  std::size_t queued() const;
  std::size_t workers() const;

 private:
  class Impl;
  std::unique_ptr<Impl> _impl;
};

}  // namespace p2::push
