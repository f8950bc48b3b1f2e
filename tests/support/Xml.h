#pragma once

#include "p2/xmpp/Iq.h"
#include "p2/xmpp/StanzaReader.h"
#include "support/StreamFixture.h"

#include <stdexcept>
#include <string>

namespace p2::test {

/// The stanza that a server would deliver with this text.
inline xmpp::Element stanza(const std::string& xml) {
  Recorder recorder;
  ScriptedSource source(
      {"<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams'>" +
       xml},
      recorder);
  xmpp::StanzaReader({}).read(source, recorder);
  if (recorder.stanzas.size() != 1) throw std::invalid_argument("not one stanza: " + xml);
  return recorder.stanzas.front();
}

/// The same as a request.
inline xmpp::Iq request(const std::string& xml) {
  auto iq = xmpp::toRequest(stanza(xml));
  if (!iq) throw std::invalid_argument("not a request: " + xml);
  return *iq;
}

}  // namespace p2::test
