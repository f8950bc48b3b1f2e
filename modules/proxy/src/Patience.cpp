#include "Patience.h"

#include <string>

namespace p2::proxy {

Patience::Waiting::Waiting(Patience& patience) : _patience(patience), _since(patience._clock.now()) {
  _patience._list.with([this](List& list) {
    _before = list.last;
    (list.last != nullptr ? list.last->_after : list.first) = this;
    list.last = this;
    _isListed = true;
  });
}

bool Patience::Waiting::leave() {
  return _patience._list.with([this](List& list) {
    const bool wasListed = _isListed;
    if (wasListed) unlink(list, *this);
    return wasListed;
  });
}

void Patience::Waiting::noteAnswer() {
  if (_patience._standsStill && std::this_thread::get_id() != _asker) _patience._standsStill = false;
}

void Patience::unlink(List& list, Waiting& waiting) {
  (waiting._before != nullptr ? waiting._before->_after : list.first) = waiting._after;
  (waiting._after != nullptr ? waiting._after->_before : list.last) = waiting._before;
  waiting._isListed = false;
}

Patience::Tell Patience::oneSince(core::Clock::TimePoint oldest) {
  return _list.with([oldest](List& list) {
    Tell tell;
    if (list.first == nullptr || list.first->since() > oldest) return tell;
    tell = list.first->giveUp();
    unlink(list, *list.first);
    return tell;
  });
}

/// Those that ask anew meanwhile have not waited for long.
void Patience::giveUpLate() {
  const auto oldest = _clock.now() - kBound;
  while (auto tell = oneSince(oldest)) {
    _standsStill = true;
    tell();
  }
}

core::Error Patience::noAnswer() {
  return {"it has not answered for " + std::to_string(kBound.count()) +
          " s: its disk, or its database, stands still or does not keep up"};
}

}  // namespace p2::proxy
