#pragma once

#include "p2/control/DaemonStatus.h"
#include "p2/core/Metrics.h"

namespace p2::app {

/// The metrics that are read when somebody asks for them: the store, the access token, the process.
/// Thread-safe.
class StateMetrics {
 public:
  /// `metrics` must outlive this object.
  explicit StateMetrics(core::Metrics& metrics);

  /// Takes over what is in the status; asks the operating system for the rest.
  void set(const control::DaemonStatus& status) const;

 private:
  core::Metrics& _metrics;
  core::Gauge& _standingBy;
  core::Gauge& _second;
  core::Gauge& _clockUnset;
  core::Gauge& _registrations;
  core::Gauge& _usedBytes;
  core::Gauge& _mapBytes;
  core::Gauge& _pendingChanges;
  core::Gauge& _storeFailing;
  core::Gauge& _hostsFailing;
  core::Gauge& _tokenValid;
  core::Gauge& _tokenExpiry;
  core::Gauge& _unsentAnswers;
  core::Gauge& _startTime;
  core::Gauge& _residentBytes;
  core::Gauge& _openFiles;
};

}  // namespace p2::app
