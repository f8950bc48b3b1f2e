#pragma once

#include "p2/xmpp/StanzaReader.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace p2::test {

/// Keeps what a StanzaReader hands out, and how many stanzas were out at each of its reads.
class Recorder final : public xmpp::StanzaHandler {
 public:
  void onStreamOpen(const xmpp::Element& opened) override { header = opened; }
  void onStanza(xmpp::Element stanza) override { stanzas.push_back(std::move(stanza)); }
  void onRefused(xmpp::Element head, std::string_view why) override {
    refused.push_back(std::move(head));
    refusals.emplace_back(why);
  }

  xmpp::Element header;
  std::vector<xmpp::Element> stanzas;
  std::vector<xmpp::Element> refused;
  std::vector<std::string> refusals;
  std::vector<std::size_t> countAtRead;
};

/// Gives the pieces one by one, each in one read if it fits.
class ScriptedSource final : public xmpp::ByteSource {
 public:
  ScriptedSource(std::vector<std::string> pieces, Recorder& recorder)
      : _pieces(std::move(pieces)), _recorder(recorder) {}

  std::size_t read(char* buffer, std::size_t size) noexcept override {
    if (_offset == 0) _recorder.countAtRead.push_back(_recorder.stanzas.size());
    if (_next == _pieces.size()) return 0;
    const std::string& piece = _pieces[_next];
    const std::size_t count = piece.copy(buffer, size, _offset);
    _offset += count;
    if (_offset == piece.size()) {
      ++_next;
      _offset = 0;
    }
    return count;
  }

 private:
  std::vector<std::string> _pieces;
  Recorder& _recorder;
  std::size_t _next = 0;
  std::size_t _offset = 0;
};

/// Where each child of the stream ends, found by a plain scan that knows nothing of the reader: depth by
/// depth. REQUIRES: well-formed XML, quotes and CDATA included, without comments.
inline std::vector<std::size_t> stanzaEnds(const std::string& session) {
  std::vector<std::size_t> ends;
  int depth = 0;
  for (std::size_t at = session.find('<'); at != std::string::npos; at = session.find('<', at)) {
    if (session.compare(at, 9, "<![CDATA[") == 0) {
      at = session.find("]]>", at) + 3;
      continue;
    }
    if (session[at + 1] == '?') {
      at = session.find("?>", at) + 2;
      continue;
    }
    const bool closing = session[at + 1] == '/';
    char quote = 0;
    for (; quote != 0 || session[at] != '>'; ++at) {
      if (quote != 0) {
        if (session[at] == quote) quote = 0;
      } else if (session[at] == '\'' || session[at] == '"') {
        quote = session[at];
      }
    }
    const bool empty = session[at - 1] == '/';
    ++at;
    depth += closing ? -1 : 1;
    if (empty) --depth;
    if (depth == 1 && (closing || empty)) ends.push_back(at);
  }
  return ends;
}

}  // namespace p2::test
