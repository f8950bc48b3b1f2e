#include "SenderSlot.h"
#include "support/Catch.h"

#include <memory>
#include <stdexcept>
#include <string>

using p2::core::Clock;
using p2::push::Message;
using p2::push::Outcome;
using p2::push::Sender;
using p2::push::SenderFactory;
using p2::push::SenderSlot;

namespace {

/// Notes what happens to it in a line.
class NotingSender final : public Sender {
 public:
  explicit NotingSender(std::string& log) : _log(log) { _log += "made "; }
  ~NotingSender() override { _log += "gone "; }

  Outcome send(const Message&, Clock::TimePoint) noexcept override {
    _log += "sent ";
    Outcome outcome;
    outcome.kind = Outcome::Kind::delivered;
    return outcome;
  }

 private:
  std::string& _log;
};

struct SlotFixture {
  std::string log;
  SenderSlot slot{"ABC"};
  SenderFactory factory = [this] { return std::make_unique<NotingSender>(log); };

  Outcome::Kind send(const SenderFactory& makeSender, std::uint64_t generation) {
    return slot.send(makeSender, generation, Message(), Clock::TimePoint()).kind;
  }
};

}  // namespace

TEST_CASE_METHOD(SlotFixture, "A sender is made with the first message and used for the next") {
  CHECK(slot.stale(0));
  CHECK(send(factory, 0) == Outcome::Kind::delivered);
  CHECK_FALSE(slot.stale(0));
  send(nullptr, 0);
  CHECK(log == "made sent sent ");
  slot.reset();
  CHECK(log == "made sent sent gone ");
}

TEST_CASE_METHOD(SlotFixture, "A sender of an older factory is gone before the new one is made") {
  send(factory, 0);
  CHECK(slot.stale(1));
  send(factory, 1);
  CHECK_FALSE(slot.stale(1));
  slot.reset();
  CHECK(log == "made sent gone made sent gone ");
}

TEST_CASE_METHOD(SlotFixture, "A factory that fails gives a retry and is asked again") {
  CHECK(send([]() -> std::unique_ptr<Sender> { throw std::runtime_error("no file"); }, 0) ==
        Outcome::Kind::retry);
  CHECK(slot.stale(0));
  const auto nothing = [] { return std::unique_ptr<Sender>(); };
  CHECK(send(nothing, 0) == Outcome::Kind::retry);
  CHECK(slot.send(nothing, 0, Message(), Clock::TimePoint()).reason == "no connection to ABC");
  CHECK(slot.stale(0));
  CHECK(send(factory, 0) == Outcome::Kind::delivered);
}
