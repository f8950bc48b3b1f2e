#include "Changes.h"
#include "WorkingSet.h"
#include "store/Samples.h"
#include "support/Catch.h"

using namespace p2::mariadb;
using namespace p2::store;
using namespace p2::store::test;

namespace {

Records rowsOf(std::initializer_list<Registration> registrations) {
  Records rows;
  for (const auto& registration : registrations) rows.put({registration});
  return rows;
}

}  // namespace

TEST_CASE("Whether a transaction took place is seen in the rows that it would have changed") {
  const auto stays = imported(1), goes = imported(2), changes = imported(3), comes = imported(4);
  auto changed = changes;
  changed.target = token("new");
  WorkingSet set(rowsOf({stays, goes, changes}));
  set.erase(goes.node);
  set.put(changed);
  set.put(comes);
  CHECK(set.erases());
  CHECK(set.adds());
  CHECK(set.standsIn(rowsOf({stays, changed, comes})));
  CHECK(set.standsIn(rowsOf({changed, comes})));
  CHECK_FALSE(set.standsIn(rowsOf({stays, goes, changes})));
  CHECK_FALSE(set.standsIn(rowsOf({stays, goes, changed, comes})));
  CHECK_FALSE(set.standsIn(rowsOf({stays, changes, comes})));
  CHECK_FALSE(set.standsIn(rowsOf({stays, changed})));
}

TEST_CASE("Changes of one device in one transaction see each other") {
  const RegistrationRules rules{Registration::Time(1'700'000'000s), 24h};
  const Enrolment asked{device(1), "example.org", token("a")};
  WorkingSet set({});
  const auto first = enrol(set, asked, rules).value();
  CHECK_FALSE(first.stoodAlready);
  CHECK(enrol(set, asked, rules).value().registration == first.registration);
  CHECK(enrol(set, asked, rules).value().stoodAlready);
  CHECK(removeIfHolds(set, first.registration.node, token("b")) == Removal::holdsOther);
  CHECK(replaceTarget(set, first.registration.node, token("a"), token("b")));
  CHECK(removeRow(set, device(1)));
  CHECK_FALSE(removeRow(set, device(1)));
  CHECK_FALSE(set.erases());
  CHECK_FALSE(set.adds());
  CHECK(enrol(set, asked, rules).value().registration.node != first.registration.node);
}
