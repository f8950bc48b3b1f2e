#pragma once

#include "Changes.h"
#include "Environment.h"
#include "Writer.h"
#include "p2/core/UniqueFunction.h"
#include "p2/lmdb/Store.h"

#include <cstddef>
#include <optional>
#include <utility>

namespace p2::lmdb {

/// A change that is a function, with an answer of type T.
template <class T>
class Operation final : public Change {
 public:
  using Apply = core::UniqueFunction<Applied<T>(Tables&)>;

  Operation(Apply apply, Store::Callback<T> done, std::size_t bytesNeeded = 0)
      : _apply(std::move(apply)), _done(std::move(done)), _bytesNeeded(bytesNeeded) {}

  int apply(Tables& tables) override {
    auto applied = _apply(tables);
    _outcome = std::move(applied.outcome);
    return applied.code;
  }

  void finish(const WriteFailure* failure) override {
    if (failure != nullptr) return _done(failure->error);
    _done(std::move(*_outcome));
  }

  std::size_t bytesNeeded() const override { return _bytesNeeded; }

 private:
  Apply _apply;
  Store::Callback<T> _done;
  const std::size_t _bytesNeeded;
  std::optional<core::Result<T>> _outcome;
};

/// A phone's registration. If it fails although the registration is on disk as asked for, only the time of
/// registration was not renewed, and the phone is told the registration that it has.
class EnrolOperation final : public Change {
 public:
  /// `settled`: the registration as it was on disk when no change of it was pending.
  EnrolOperation(Environment& environment, store::Enrolment asked, RegistrationRules rules,
                 std::optional<store::Registration> settled, Store::Callback<store::Registration> done)
      : _environment(environment),
        _asked(std::move(asked)),
        _rules(std::move(rules)),
        _settled(std::move(settled)),
        _done(std::move(done)) {}

  int apply(Tables& tables) override {
    auto applied = enrol(tables, _asked, _rules);
    _outcome = std::move(applied.outcome);
    return applied.code;
  }

  void finish(const WriteFailure* failure) override {
    if (failure == nullptr) return _done(std::move(*_outcome));
    auto stored = failure->stage == WriteFailure::Stage::queue ? std::move(_settled) : onDisk();
    if (stored && store::matches(*stored, _asked)) return _done(std::move(*stored));
    _done(failure->error);
  }

 private:
  std::optional<store::Registration> onDisk() {
    auto transaction = _environment.read();
    if (!transaction.ok()) return std::nullopt;
    auto found = transaction.value().tables().find(_asked.key);
    return found.ok() ? std::move(found).value() : std::nullopt;
  }

  Environment& _environment;
  const store::Enrolment _asked;
  const RegistrationRules _rules;
  std::optional<store::Registration> _settled;
  Store::Callback<store::Registration> _done;
  std::optional<core::Result<store::Registration>> _outcome;
};

}  // namespace p2::lmdb
