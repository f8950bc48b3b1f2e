#include "Changes.h"

#include <algorithm>
#include <utility>

namespace p2::lmdb {

namespace {

using core::Error;
using core::Result;

Applied<store::Registration> renew(Tables& tables, store::Registration registration,
                                   const store::Enrolment& asked, const RegistrationRules& rules) {
  if (store::isCurrent(registration, asked, rules.now, rules.renewAfter)) return {0, std::move(registration)};
  registration.domain = asked.domain;
  registration.target = asked.target;
  // Never backwards: who merges two stores takes the later date for the later state. That a phone renewed it
  // while the clock was behind is what ServiceTime knows.
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

Applied<store::Registration> create(Tables& tables, std::string node, const store::Enrolment& asked,
                                    const RegistrationRules& rules) {
  auto secret = store::drawSecret();
  if (!secret.ok()) return {0, Error{secret.error()}};
  store::Registration registration{
      std::move(node), std::move(secret).value(), asked.key, asked.domain, asked.target, rules.now,
      rules.now};
  const int code = tables.put(registration);
  return {code, std::move(registration)};
}

}  // namespace

Applied<store::Registration> enrol(Tables& tables, const store::Enrolment& asked,
                                   const RegistrationRules& rules) {
  auto node = tables.nodeOf(asked.key);
  if (!node.ok()) return {0, Error{node.error()}};
  if (node.value()) {
    auto stored = tables.look(*node.value());
    if (!stored.ok()) return {0, Error{stored.error()}};
    // Another's record is let alone, whatever has led here: this one gets a node of its own.
    if (auto* registration = std::get_if<store::Registration>(&stored.value());
        registration != nullptr && registration->key == asked.key) {
      return renew(tables, std::move(*registration), asked, rules);
    }
    if (std::holds_alternative<Unreadable>(stored.value())) {
      return create(tables, std::move(*node.value()), asked, rules);
    }
  }
  auto fresh = freeNode(tables, rules);
  if (!fresh.ok()) return {0, Error{fresh.error()}};
  return create(tables, std::move(fresh).value(), asked, rules);
}

Applied<bool> unregister(Tables& tables, const store::DeviceKey& key) {
  const auto node = tables.nodeOf(key);
  if (!node.ok()) return {0, Error{node.error()}};
  if (!node.value()) return {0, false};
  const auto stored = tables.look(*node.value());
  if (!stored.ok()) return {0, Error{stored.error()}};
  if (std::holds_alternative<std::monostate>(stored.value())) return {0, false};
  const auto* registration = std::get_if<store::Registration>(&stored.value());
  if (registration != nullptr && !(registration->key == key)) return {0, false};
  return {tables.erase(*node.value(), key), true};
}

Applied<bool> forget(Tables& tables, const std::string& node) {
  const auto stored = tables.look(node);
  if (!stored.ok()) return {0, Error{stored.error()}};
  if (std::holds_alternative<Unreadable>(stored.value())) return {tables.eraseUnreadable(node), true};
  const auto* registration = std::get_if<store::Registration>(&stored.value());
  if (registration == nullptr) return {0, false};
  return {tables.erase(node, registration->key), true};
}

Applied<store::Removal> removeIfHolds(Tables& tables, const std::string& node, const core::Target& target) {
  const auto found = tables.find(node);
  if (!found.ok()) return {0, Error{found.error()}};
  if (!found.value()) return {0, store::Removal::absent};
  if (found.value()->target != target) return {0, store::Removal::holdsOther};
  return {tables.erase(node, found.value()->key), store::Removal::removed};
}

Applied<bool> replaceTarget(Tables& tables, const std::string& node, const core::Target& target,
                            const core::Target& replacement) {
  auto found = tables.find(node);
  if (!found.ok()) return {0, Error{found.error()}};
  if (!found.value() || found.value()->target != target) return {0, false};
  found.value()->target = replacement;
  return {tables.putTarget(*found.value()), true};
}

}  // namespace p2::lmdb
