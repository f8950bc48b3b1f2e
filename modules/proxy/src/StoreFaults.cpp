#include "StoreFaults.h"

#include "p2/xmpp/StanzaError.h"

namespace p2::proxy {

StoreFaults::StoreFaults(const core::Clock& clock, core::Metrics& metrics)
    : _count(metrics.counter("p2_store_faults_total", "Requests answered wait because of the store.")),
      _log(clock) {}

void StoreFaults::answer(const std::string& why, xmpp::Responder& responder) {
  _count.add();
  _log.note(Poco::Message::PRIO_ERROR, "the store: " + why);
  responder.error(xmpp::StanzaError::tryLater());
}

}  // namespace p2::proxy
