#include "FakeService.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

namespace p2::push::test {

namespace {

/// Longer than anything a test waits for, unless it fails.
constexpr std::chrono::seconds kPatience{30};

}  // namespace

class FakeService::FakeSender final : public Sender {
 public:
  FakeSender(FakeService& service, std::size_t number) : _service(service), _number(number) {}
  ~FakeSender() override {
    const std::scoped_lock lock(_service._mutex);
    --_service._alive;
    _service._changed.notify_all();
  }

  Outcome send(const Message& message, core::Clock::TimePoint deadline) noexcept override {
    return _service.send(_number, message, deadline);
  }

 private:
  FakeService& _service;
  const std::size_t _number;
};

SenderFactory FakeService::factory() {
  return [this] {
    const std::scoped_lock lock(_mutex);
    ++_alive;
    return std::make_unique<FakeSender>(*this, ++_made);
  };
}

Outcome FakeService::send(std::size_t sender, const Message& message, core::Clock::TimePoint deadline) {
  std::unique_lock lock(_mutex);
  _mostRunning = std::max(_mostRunning, ++_running);
  const std::size_t index = _calls.size();
  _calls.push_back({message.target.value.reveal(), message.isImportant, _clock.now(), deadline, sender,
                    _running, _answered, std::nullopt});
  _changed.notify_all();
  const auto ended = [this, index] { return _answerer || _calls[index].outcome; };
  if (_keepDeadlines) {
    _changed.wait_until(lock, _clock.realDeadline(deadline), ended);
  } else {
    _changed.wait(lock, ended);
  }
  --_running;
  ++_answered;
  if (_calls[index].outcome) return *_calls[index].outcome;
  if (_answerer) return _answerer(message);
  Outcome late;
  late.reason = "the fake service was silent";
  return late;
}

bool FakeService::waitForCalls(std::size_t count) {
  std::unique_lock lock(_mutex);
  return _changed.wait_for(lock, kPatience, [this, count] { return _calls.size() >= count; });
}

bool FakeService::waitForSenders(std::size_t alive) {
  std::unique_lock lock(_mutex);
  return _changed.wait_for(lock, kPatience, [this, alive] { return _alive == alive; });
}

FakeService::Call FakeService::call(std::size_t index) const {
  const std::scoped_lock lock(_mutex);
  return _calls.at(index);
}

std::vector<FakeService::Call> FakeService::calls() const {
  const std::scoped_lock lock(_mutex);
  return _calls;
}

std::size_t FakeService::sendersMade() const {
  const std::scoped_lock lock(_mutex);
  return _made;
}

std::size_t FakeService::mostRunning() const {
  const std::scoped_lock lock(_mutex);
  return _mostRunning;
}

void FakeService::answer(std::size_t index, Outcome outcome) {
  const std::scoped_lock lock(_mutex);
  _calls.at(index).outcome = std::move(outcome);
  _changed.notify_all();
}

void FakeService::answerAll(Answerer answerer) {
  const std::scoped_lock lock(_mutex);
  _answerer = std::move(answerer);
  _changed.notify_all();
}

void FakeService::keepDeadlines(bool keep) {
  const std::scoped_lock lock(_mutex);
  _keepDeadlines = keep;
}

Dispatcher::Done Recorder::done(const std::string& who) {
  return [this, who](const Outcome& outcome) {
    const std::scoped_lock lock(_mutex);
    auto& note = _notes[who];
    note.outcome = outcome;
    note.thread = std::this_thread::get_id();
    ++note.times;
    _changed.notify_all();
  };
}

Outcome Recorder::wait(const std::string& who) {
  std::unique_lock lock(_mutex);
  const auto told = [this, &who] { return _notes.count(who) > 0; };
  if (!_changed.wait_for(lock, kPatience, told)) throw std::runtime_error("nobody told " + who);
  return _notes.at(who).outcome;
}

std::size_t Recorder::times(const std::string& who) const {
  const std::scoped_lock lock(_mutex);
  const auto note = _notes.find(who);
  return note == _notes.end() ? 0 : note->second.times;
}

std::thread::id Recorder::thread(const std::string& who) const {
  const std::scoped_lock lock(_mutex);
  return _notes.at(who).thread;
}

Message message(const std::string& token, bool isImportant) {
  Message result;
  result.target.value = core::Secret(token);
  result.account = "account";
  result.isImportant = isImportant;
  return result;
}

Outcome outcome(Outcome::Kind kind) {
  Outcome result;
  result.kind = kind;
  result.reason = "said the fake service";
  return result;
}

Outcome retryAfter(std::chrono::milliseconds after) {
  Outcome result = outcome(Outcome::Kind::retry);
  result.retryAfter = after;
  return result;
}

Outcome throttled(std::optional<std::chrono::milliseconds> retryAfter) {
  Outcome result = outcome(Outcome::Kind::retry);
  result.scope = Outcome::Scope::service;
  result.retryAfter = retryAfter;
  return result;
}

}  // namespace p2::push::test
