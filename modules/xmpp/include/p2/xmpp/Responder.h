#pragma once

#include "p2/xmpp/Element.h"
#include "p2/xmpp/StanzaError.h"

#include <cstddef>
#include <string>

namespace p2::xmpp {

/// Where answers go: the component's outbox, or a test's list. Thread-safe.
class ReplySink {
 public:
  virtual ~ReplySink() = default;

  /// Takes a serialized stanza; does not block.
  virtual void send(std::string stanza) noexcept = 0;
};

/// The duty to answer one request, exactly once: by `result` or `error`, or by wait/internal-server-error if
/// it is destroyed before. Can be moved to another thread; used by one at a time. The sink must outlive it.
class Responder {
 public:
  /// `id`, `requester` and `responder` are the request's `id`, `from` and `to`.
  Responder(ReplySink& sink, std::string id, std::string requester, std::string responder);
  Responder(Responder&& other) noexcept;
  Responder& operator=(Responder&& other) noexcept;
  Responder(const Responder&) = delete;
  Responder& operator=(const Responder&) = delete;
  ~Responder();

  /// Answers with an empty result. Later answers are ignored.
  void result() { answer("result", {}); }
  void result(const Element& payload);
  void error(const StanzaError& error);
  /// Of the strings that it keeps for its answer.
  std::size_t bytes() const noexcept { return _id.size() + _requester.size() + _responder.size(); }
  /// Gives the duty up without an answer: only for a request that was never ours.
  void dismiss() noexcept { _sink = nullptr; }

 private:
  void answer(const char* type, const std::string& content) noexcept;

  ReplySink* _sink;  // null once answered or moved from
  std::string _id;
  std::string _requester;
  std::string _responder;
};

}  // namespace p2::xmpp
