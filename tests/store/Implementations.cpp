#include "Contract.h"
#include "support/MemoryStore.h"

#include <memory>

// The model of all others keeps to the contracts itself, also where its answers come late.

namespace p2::store::test {

namespace {

using p2::test::MemoryStore;

template <MemoryStore::Answers kAnswers>
std::unique_ptr<RegistrationStore> inMemory(Subject& subject) {
  return std::make_unique<MemoryStore>(kAnswers, subject.clock);
}

constexpr Implementation kImplementations[] = {
    {"a map that answers at once", inMemory<MemoryStore::Answers::atOnce>},
    {"a map that answers late", inMemory<MemoryStore::Answers::late>},
};

}  // namespace

std::span<const Implementation> implementations() {
  return kImplementations;
}

}  // namespace p2::store::test
