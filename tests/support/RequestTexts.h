#pragma once

#include <stdexcept>
#include <string>

namespace p2::test {

/// A phone of `account` registers; `more` are further fields of the form.
inline std::string registerRequest(const std::string& account, const std::string& device,
                                   const std::string& token, const std::string& more = "") {
  return "<iq type='set' id='r' from='" + account +
         "/phone' to='push.example.org'><command xmlns='http://jabber.org/protocol/commands' "
         "node='register-push-fcm' action='complete'><x xmlns='jabber:x:data' type='submit'>"
         "<field var='token'><value>" +
         token + "</value></field><field var='device-id'><value>" + device + "</value></field>" + more +
         "</x></command></iq>";
}

/// A phone withdraws a registration; `more` goes into its form.
inline std::string unregisterRequest(const std::string& account, const std::string& device,
                                     const std::string& more = "") {
  return "<iq type='set' id='u' from='" + account +
         "/x' to='push.example.org'><command xmlns='http://jabber.org/protocol/commands' "
         "node='unregister-push-fcm' action='execute'><x xmlns='jabber:x:data' type='submit'>"
         "<field var='device-id'><value>" +
         device + "</value></field>" + more + "</x></command></iq>";
}

/// A server publishes to `node`.
inline std::string publishRequest(const std::string& node, const std::string& secret,
                                  const std::string& from) {
  return "<iq type='set' id='p' from='" + from +
         "' to='push.example.org'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='" + node +
         "'><item><notification xmlns='urn:xmpp:push:0'/></item></publish><publish-options>"
         "<x xmlns='jabber:x:data'><field var='secret'><value>" +
         secret + "</value></field></x></publish-options></pubsub></iq>";
}

/// The value of the field `var` in an answer. Throws if there is none.
inline std::string valueOf(const std::string& answer, const std::string& var) {
  const std::string mark = "var='" + var + "'><value>";
  const auto start = answer.find(mark);
  if (start == std::string::npos) throw std::invalid_argument("no field " + var + " in " + answer);
  return answer.substr(start + mark.size(), answer.find('<', start + mark.size()) - start - mark.size());
}

/// From the error on to the end; empty in a result.
inline std::string errorIn(const std::string& answer) {
  const auto start = answer.find("<error");
  return start == std::string::npos ? std::string() : answer.substr(start);
}

/// What errorIn() gives for the two errors that decide what a server does with its user.
inline const std::string kItemNotFound =
    "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>";
inline const std::string kTryLater =
    "<error type='wait'><internal-server-error xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>";

}  // namespace p2::test
