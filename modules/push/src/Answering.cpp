#include "Answering.h"

#include "Log.h"

#include <chrono>
#include <exception>
#include <string>

namespace p2::push {

namespace {

constexpr std::size_t kKeptAnswers = 1024;

}  // namespace

void Answering::answerUnlocked(Lock& lock, Answers& answers, const Outcome& outcome) {
  if (answers.empty()) return;
  begin();
  lock.unlock();
  answer(answers, outcome);
  lock.lock();
}

void Answering::answer(Answers& answers, const Outcome& outcome) noexcept {
  if (answers.empty()) return;
  const auto time = _clock.now();
  for (auto& [done, submitted] : answers) {
    _metrics.seconds.observe(std::chrono::duration<double>(time - submitted).count());
    call(done, outcome);
  }
  answers.clear();
  if (answers.capacity() > kKeptAnswers) answers.shrink_to_fit();
  called();
}

void Answering::refuse(Done& done, const Outcome& outcome) noexcept {
  call(done, outcome);
  called();
}

void Answering::called() noexcept {
  // Either this sees that somebody waits for the end, or who does sees this.
  if (--_calling > 0 || !_closed) return;
  const std::scoped_lock lock(_mutex);
  _told.notify_all();
}

void Answering::call(Done& done, const Outcome& outcome) noexcept {
  try {
    done(outcome);
    return;
  } catch (const std::exception& e) {
    logError("A push could not be answered: %s", std::string(e.what()));
  } catch (...) {
    logError("A push could not be answered: unknown exception");
  }
  _metrics.callbackErrors.add();
}

}  // namespace p2::push
