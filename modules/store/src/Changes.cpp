#include "Changes.h"

#include <algorithm>
#include <utility>

namespace p2::store {

namespace {

using core::Error;
using core::Result;

Applied<Registration> renew(Tables& tables, Registration registration, const Enrolment& asked,
                            const RegistrationRules& rules) {
  if (isCurrent(registration, asked, rules.now, rules.renewAfter)) return {0, std::move(registration)};
  registration.domain = asked.domain;
  registration.target = asked.target;
  // Never backwards: a clock that is behind for a while must not make a phone look long unseen.
  registration.lastRegistered = std::max(registration.lastRegistered, rules.now);
  const int code = tables.put(registration);
  return {code, std::move(registration)};
}

/// A node that no registration has.
Result<std::string> freeNode(const Tables& tables, const RegistrationRules& rules) {
  // With 2^72 nodes one draw suffices; a generator that keeps giving the same one must not hang the writer.
  for (int draws = 0; draws < 100; ++draws) {
    auto node = rules.drawNode();
    if (!node.ok()) return node;
    auto taken = tables.find(node.value());
    if (taken.ok() && !taken.value()) return node;
  }
  return Error{"The store finds no free node: the operating system's random numbers repeat."};
}

Applied<Registration> create(Tables& tables, const Enrolment& asked, const RegistrationRules& rules) {
  auto node = freeNode(tables, rules);
  if (!node.ok()) return {0, Error{node.error()}};
  auto secret = drawSecret();
  if (!secret.ok()) return {0, Error{secret.error()}};
  Registration registration{std::move(node).value(),
                            std::move(secret).value(),
                            asked.key,
                            asked.domain,
                            asked.target,
                            rules.now,
                            rules.now};
  const int code = tables.put(registration);
  return {code, std::move(registration)};
}

Applied<bool> remove(Tables& tables, const Result<std::optional<Registration>>& found) {
  if (!found.ok()) return {0, Error{found.error()}};
  if (!found.value()) return {0, false};
  return {tables.erase(*found.value()), true};
}

}  // namespace

bool matches(const Registration& registration, const Enrolment& asked) {
  return registration.domain == asked.domain && registration.target == asked.target;
}

bool isCurrent(const Registration& registration, const Enrolment& asked, Registration::Time now,
               std::chrono::seconds renewAfter) {
  return matches(registration, asked) && now - registration.lastRegistered < renewAfter;
}

Applied<Registration> enrol(Tables& tables, const Enrolment& asked, const RegistrationRules& rules) {
  auto found = tables.find(asked.key);
  if (!found.ok()) return {0, Error{found.error()}};
  if (found.value()) return renew(tables, std::move(*std::move(found).value()), asked, rules);
  return create(tables, asked, rules);
}

Applied<bool> unregister(Tables& tables, const DeviceKey& key) {
  return remove(tables, tables.find(key));
}

Applied<bool> removeIfHolds(Tables& tables, const std::string& node, const core::Target& target) {
  const auto found = tables.find(node);
  if (found.ok() && found.value() && found.value()->target != target) return {0, false};
  return remove(tables, found);
}

Applied<bool> replaceTarget(Tables& tables, const std::string& node, const core::Target& target,
                            const core::Target& replacement) {
  auto found = tables.find(node);
  if (!found.ok()) return {0, Error{found.error()}};
  if (!found.value() || found.value()->target != target) return {0, false};
  found.value()->target = replacement;
  return {tables.putTarget(*found.value()), true};
}

}  // namespace p2::store
