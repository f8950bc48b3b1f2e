#include "p2/store/Overdue.h"

namespace p2::store {

bool Overdue::operator()(const Registration& registration) const {
  const auto last = registration.lastRegistered;
  // A date after now says that one clock was wrong; the difference to one of the far future does not fit.
  return last <= now && last < now - after && service.since(last) > after;
}

}  // namespace p2::store
