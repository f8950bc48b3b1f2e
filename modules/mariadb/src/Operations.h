#pragma once

#include "Changes.h"
#include "Records.h"
#include "Schema.h"
#include "Sweep.h"
#include "Writer.h"
#include "p2/core/Result.h"
#include "p2/core/UniqueFunction.h"
#include "p2/store/Registrations.h"
#include "p2/store/ServiceMeter.h"

#include <optional>
#include <span>
#include <string>
#include <utility>

namespace p2::mariadb {

template <class T>
using Callback = store::Registrations::Callback<T>;

/// A change that is a function, with an answer of type T.
template <class T>
class Operation final : public Change {
 public:
  using Apply = core::UniqueFunction<T(WorkingSet&)>;

  Operation(Name name, Apply apply, Callback<T> done)
      : _name(std::move(name)), _apply(std::move(apply)), _done(std::move(done)) {}

  const Name& name() const override { return _name; }
  void apply(WorkingSet& rows) override { _outcome = _apply(rows); }
  void finish(const core::Error* failure) override {
    if (failure != nullptr) return _done(*failure);
    _done(*_outcome);
  }

 private:
  const Name _name;
  Apply _apply;
  Callback<T> _done;
  std::optional<T> _outcome;
};

/// A phone's registration. If it cannot be written although the row is as asked for, only the date was not
/// renewed, and the phone is told the registration that it has.
class EnrolOperation final : public Change {
 public:
  EnrolOperation(store::Enrolment asked, RegistrationRules rules, Callback<store::Registration> done)
      : _asked(std::move(asked)), _name(_asked.key), _rules(rules), _done(std::move(done)) {}

  const Name& name() const override { return _name; }
  void begin() override { _outcome.reset(); }
  void apply(WorkingSet& rows) override { _outcome = enrol(rows, _asked, _rules); }
  void finish(const core::Error* failure) override {
    if (_outcome && !_outcome->ok()) return _done(core::Error{_outcome->error()});
    if (failure != nullptr && !(_outcome && _outcome->value().stoodAlready)) return _done(*failure);
    _done(std::move(_outcome->value().registration));
  }

 private:
  const store::Enrolment _asked;
  const Name _name;
  const RegistrationRules _rules;
  Callback<store::Registration> _done;
  std::optional<core::Result<Enrolled>> _outcome;
};

/// One page of a sweep, in a transaction of its own; gives how far the sweep has come.
class SweepTask final : public Task {
 public:
  SweepTask(Sweep from, Callback<Sweep> done) : _from(std::move(from)), _done(std::move(done)) {}

  MaybeFault run(Connection& connection) override {
    _reached = _from;
    return sweepPage(connection, _reached);
  }
  std::span<const std::string> touched() const override { return _reached.touched; }
  void finish(const core::Error* failure) override {
    if (failure != nullptr) return _done(*failure);
    _done(std::move(_reached));
  }

 private:
  const Sweep _from;
  Sweep _reached;
  Callback<Sweep> _done;
};

/// Joins what this p2 has measured, and what its clock has shown, with what others have stored.
class ServiceTimeTask final : public Task {
 public:
  /// `meter` must outlive it.
  ServiceTimeTask(store::ServiceMeter& meter, Callback<void> done) : _meter(meter), _done(std::move(done)) {}

  MaybeFault run(Connection& connection) override {
    auto stored = readServiceTime(connection, Lock::forUpdate);
    if (!stored.ok()) return stored.fault();
    _meter.join(stored.value());
    auto time = _meter.toStore();
    time.join(stored.value());
    return writeServiceTime(connection, time);
  }
  std::span<const std::string> touched() const override { return {}; }
  void finish(const core::Error* failure) override {
    _done(failure == nullptr ? core::Result<void>() : core::Result<void>(*failure));
  }

 private:
  store::ServiceMeter& _meter;
  Callback<void> _done;
};

}  // namespace p2::mariadb
