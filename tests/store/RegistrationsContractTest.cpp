#include "Contract.h"
#include "Duel.h"
#include "support/Catch.h"

#include <cctype>
#include <set>
#include <string>
#include <vector>

// What every store must do as Registrations.

using namespace p2::store;
using namespace p2::store::test;

namespace {

Removal removedIfHolding(Registrations& registrations, const std::string& node, const std::string& text) {
  Answer<Removal> answer;
  registrations.removeIfHolds(node, token(text), answer.callback());
  return answer.value();
}

bool replaced(Registrations& registrations, const std::string& node, const std::string& from,
              const std::string& to) {
  Answer<bool> answer;
  registrations.replaceTarget(node, token(from), token(to), answer.callback());
  return answer.value();
}

}  // namespace

TEST_CASE("Contract: registrations agree with a map over random changes") {
  const auto subject = anySubject();
  INFO(subject->name);
  Duel duel(subject->clock, 7);
  duel.against(*subject->store);
  while (duel.changes() < 1500) duel.lot();
}

TEST_CASE("Contract: a device has one node and one secret for as long as it is registered") {
  const auto subject = anySubject();
  INFO(subject->name);
  auto& registrations = *subject->store;
  const auto first = registered(registrations, device(1), "token");
  CHECK_FALSE(first.node.empty());
  CHECK_FALSE(first.secret.empty());
  std::vector<Answer<Registration>> answers;
  for (int i = 0; i < 20; ++i) {
    answers.push_back(registering(registrations, device(1), "token" + std::to_string(i % 3)));
  }
  for (const auto& answer : answers) {
    CHECK(answer.value().node == first.node);
    CHECK(answer.value().secret == first.secret);
  }
  CHECK(lookedUp(registrations, device(1))->target == token("token1"));
  REQUIRE(unregistered(registrations, device(1)));
  CHECK_FALSE(unregistered(registrations, device(1)));
  CHECK(registered(registrations, device(1), "token").node != first.node);
}

TEST_CASE("Contract: devices that register at once have nodes of their own") {
  const auto subject = anySubject();
  INFO(subject->name);
  std::vector<Answer<Registration>> answers;
  for (unsigned i = 0; i < 50; ++i) answers.push_back(registering(*subject->store, device(i), "token"));
  std::set<std::string> nodes;
  for (const auto& answer : answers) nodes.insert(answer.value().node);
  CHECK(nodes.size() == 50);
}

TEST_CASE("Contract: nodes are told apart by every byte") {
  const auto subject = anySubject();
  INFO(subject->name);
  auto& registrations = *subject->store;
  const auto node = registered(registrations, device(1), "token").node;
  for (std::string other : {node + 'x', node.substr(1), node + std::string(1, '\0'), std::string()}) {
    CHECK_FALSE(lookedUp(registrations, other));
    CHECK(removedIfHolding(registrations, other, "token") == Removal::absent);
  }
  std::string otherCase = node;
  for (char& c : otherCase)
    c = static_cast<char>(std::islower(static_cast<unsigned char>(c)) ? std::toupper(c) : std::tolower(c));
  CHECK_FALSE(lookedUp(registrations, otherCase));
  CHECK(lookedUp(registrations, node));
}

TEST_CASE("Contract: a target is removed or replaced only where it is held still") {
  const auto subject = anySubject();
  INFO(subject->name);
  auto& registrations = *subject->store;
  const auto node = registered(registrations, device(1), "new").node;
  CHECK(removedIfHolding(registrations, node, "old") == Removal::holdsOther);
  CHECK_FALSE(replaced(registrations, node, "old", "newest"));
  CHECK(lookedUp(registrations, node)->target == token("new"));
  CHECK(replaced(registrations, node, "new", "newest"));
  CHECK(lookedUp(registrations, device(1))->target == token("newest"));
  CHECK(removedIfHolding(registrations, node, "newest") == Removal::removed);
  CHECK(removedIfHolding(registrations, node, "newest") == Removal::absent);
  CHECK_FALSE(replaced(registrations, node, "newest", "new"));
}

TEST_CASE("Contract: what one asks of a device takes effect in the order in which it was asked") {
  const auto subject = anySubject();
  INFO(subject->name);
  auto& registrations = *subject->store;
  for (int round = 0; round < 20; ++round) {
    const auto first = registering(registrations, device(1), "a");
    Answer<bool> gone;
    registrations.unregister(device(1), "example.org", gone.callback());
    const auto second = registering(registrations, device(1), "b");
    CHECK(gone.value());
    CHECK(first.value().node != second.value().node);
    CHECK(lookedUp(registrations, device(1))->target == token("b"));
  }
}

TEST_CASE("Contract: an impossible value is an error, and changes nothing") {
  const auto subject = anySubject();
  INFO(subject->name);
  auto& registrations = *subject->store;
  CHECK_FALSE(registering(registrations, device(1), "token", "").get().ok());
  CHECK_FALSE(registering(registrations, device(1), "").get().ok());
  CHECK_FALSE(lookedUp(registrations, device(1)));
  CHECK_FALSE(registrations.holdsAny());
}
