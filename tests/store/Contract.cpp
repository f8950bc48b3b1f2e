#include "Contract.h"

#include "support/Catch.h"

#include <cstddef>

namespace p2::store::test {

std::unique_ptr<Subject> anySubject() {
  const auto all = implementations();
  const auto& implementation = all[GENERATE_COPY(range(std::size_t{0}, all.size()))];
  auto subject = std::make_unique<Subject>();
  subject->name = implementation.name;
  subject->store = implementation.make(*subject);
  return subject;
}

}  // namespace p2::store::test
