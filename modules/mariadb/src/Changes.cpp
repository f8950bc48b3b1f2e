#include "Changes.h"

#include "p2/store/Identity.h"

#include <algorithm>
#include <utility>

namespace p2::mariadb {

namespace {

using core::Error;
using core::Result;

Enrolled renew(WorkingSet& rows, store::Registration registration, const store::Enrolment& asked,
               const RegistrationRules& rules) {
  const bool stood = store::matches(registration, asked);
  if (store::isCurrent(registration, asked, rules.now, rules.renewAfter)) {
    return {std::move(registration), stood};
  }
  registration.domain = asked.domain;
  registration.target = asked.target;
  // Never backwards: who merges two stores takes the later date for the later state. That a phone renewed it
  // while the clock was behind is what ServiceTime knows.
  registration.lastRegistered = std::max(registration.lastRegistered, rules.now);
  rows.put(registration);
  return {std::move(registration), stood};
}

Result<Enrolled> create(WorkingSet& rows, std::string node, const store::Enrolment& asked,
                        const RegistrationRules& rules) {
  auto secret = store::drawSecret();
  if (!secret.ok()) return Error{secret.error()};
  store::Registration registration{
      std::move(node), std::move(secret).value(), asked.key, asked.domain, asked.target, rules.now,
      rules.now};
  rows.put(registration);
  return Enrolled{std::move(registration)};
}

/// The registration of the node, if it can be read.
const store::Registration* readable(const WorkingSet& rows, const std::string& node) {
  const Record* row = rows.find(node);
  return row != nullptr && row->unreadable.empty() ? &row->registration : nullptr;
}

}  // namespace

Result<Enrolled> enrol(WorkingSet& rows, const store::Enrolment& asked, const RegistrationRules& rules) {
  const Record* row = rows.find(asked.key);
  if (row != nullptr && row->unreadable.empty()) return renew(rows, row->registration, asked, rules);
  if (row != nullptr) return create(rows, row->registration.node, asked, rules);
  // One that another registration has would be refused by the table, and drawn anew.
  auto node = store::drawNode();
  if (!node.ok()) return Error{node.error()};
  return create(rows, std::move(node).value(), asked, rules);
}

bool removeRow(WorkingSet& rows, const Name& name) {
  const Record* row = rows.find(name);
  if (row == nullptr) return false;
  rows.erase(std::string(row->registration.node));
  return true;
}

store::Removal removeIfHolds(WorkingSet& rows, const std::string& node, const core::Target& target) {
  const Record* row = rows.find(node);
  if (row == nullptr) return store::Removal::absent;
  if (readable(rows, node) == nullptr || row->registration.target != target) {
    return store::Removal::holdsOther;
  }
  rows.erase(node);
  return store::Removal::removed;
}

bool replaceTarget(WorkingSet& rows, const std::string& node, const core::Target& target,
                   const core::Target& replacement) {
  const store::Registration* found = readable(rows, node);
  if (found == nullptr || found->target != target) return false;
  auto replaced = *found;
  replaced.target = replacement;
  rows.put(std::move(replaced));
  return true;
}

}  // namespace p2::mariadb
