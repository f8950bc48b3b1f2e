#include "Writer.h"

#include "p2/store/Tell.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

namespace p2::lmdb {

namespace {

using core::Error;
using core::Result;

void tell(Change& change, const WriteFailure* failure) noexcept {
  store::tell([&] { change.finish(failure); });
}

}  // namespace

Writer::Writer(Environment& environment, std::size_t queueCapacity, std::size_t maxBatch)
    : _environment(environment),
      _queueCapacity(queueCapacity),
      _maxBatch(std::max<std::size_t>(maxBatch, 1)),
      _queue(queueCapacity),
      _thread([this] { run(); }) {}

Writer::~Writer() {
  _queue.close();
  _thread.join();
}

void Writer::submit(Item item) {
  const std::string flow = item.flow;
  std::optional<Item> refused = _queue.push(flow, std::move(item));
  if (!refused) return;
  const WriteFailure failure{WriteFailure::Stage::queue,
                             {"The store is busy: " + std::to_string(_queueCapacity) +
                              " changes are waiting to be written, or it is closing."}};
  { const store::PendingChanges::Ticket done = std::move(refused->ticket); }
  tell(*refused->change, &failure);
}

std::string Writer::lastFault() const {
  return _lastFault.with([](const std::string& text) { return text; });
}

void Writer::run() {
  for (;;) {
    try {
      Batch batch = _queue.popBatch(_maxBatch);
      if (batch.empty()) return;
      write(std::move(batch));
    } catch (const std::exception& exception) {
      // No memory even to tell: the callbacks have been destroyed, which tells those who wait for them.
      noteOutcome(Error{std::string("The store's writer failed: ") + exception.what() + "."});
    }
  }
}

void Writer::write(Batch batch) {
  const Result<bool> committed = commit(batch);
  noteOutcome(committed);
  std::vector<std::unique_ptr<Change>> changes;
  changes.reserve(batch.size());
  for (Item& item : batch) changes.push_back(std::move(item.change));
  batch.clear();  // Gives back the tickets.
  std::optional<WriteFailure> failure;
  if (!committed.ok()) failure = {WriteFailure::Stage::commit, {committed.error()}};
  for (const auto& change : changes) tell(*change, failure ? &*failure : nullptr);
}

Result<bool> Writer::commit(const Batch& batch) {
  try {
    std::size_t needed = 0;
    for (const Item& item : batch) needed += item.change->bytesNeeded();
    _environment.reserve(needed);
    return _environment.write([&](Tables& tables) {
      for (const Item& item : batch) {
        if (const int code = item.change->apply(tables); code != 0) return code;
      }
      return 0;
    });
  } catch (const std::exception& exception) {
    // Memory, most likely; the transaction has been aborted on the way here.
    return Error{std::string("The store cannot be written: ") + exception.what() + "."};
  }
}

void Writer::noteOutcome(const Result<bool>& committed) {
  // A batch that had nothing to write says nothing about whether it could have been written.
  if (committed.ok() && !committed.value()) return;
  _lastFault.with([&](std::string& text) { text = committed.ok() ? std::string() : committed.error(); });
}

}  // namespace p2::lmdb
