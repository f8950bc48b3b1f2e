#pragma once

#include "Samples.h"
#include "p2/store/RegistrationStore.h"

#include <memory>
#include <span>

namespace p2::store::test {

/// A store that is held against the contracts, with all that it needs.
struct Subject {
  const char* name = "";
  TemporaryDirectory directory;
  HandClock clock;
  std::unique_ptr<RegistrationStore> store;
};

struct Implementation {
  const char* name;
  std::unique_ptr<RegistrationStore> (*make)(Subject& subject);
};

/// The stores that the contracts are about: each program that has the contracts in it says which, and they
/// must do what RegistrationsContractTest.cpp and ArchiveContractTest.cpp say.
std::span<const Implementation> implementations();

/// A fresh one of each, in turn: for the beginning of a test.
std::unique_ptr<Subject> anySubject();

}  // namespace p2::store::test
