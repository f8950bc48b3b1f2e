#include "SortedSpool.h"

#include "p2/store/Bytes.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <tuple>

namespace p2::lmdb {

namespace {

// Before each entry in the file: the lengths of its key and its value, and its order.
constexpr std::size_t kHeadBytes = 16;
constexpr std::size_t kReadBytes = std::size_t{64} << 10U;

}  // namespace

/// One run, read piece by piece.
class SortedSpool::Reader::Run {
 public:
  Run(int file, std::uint64_t begin, std::uint64_t end) : _file(file), _next(begin), _end(end) {}

  const Entry& entry() const { return _entry; }
  Entry take() { return std::move(_entry); }

  /// Reads the next entry; `found` says whether there was one.
  int advance(bool& found) {
    found = _at < _piece.size() || _next < _end;
    if (!found) return 0;
    if (const int code = want(kHeadBytes); code != 0) return code;
    store::ByteReader head(std::string_view(_piece).substr(_at, kHeadBytes));
    const std::size_t keyBytes = *head.integer<std::uint32_t>();
    const std::size_t valueBytes = *head.integer<std::uint32_t>();
    _entry.order = *head.integer<std::uint64_t>();
    _at += kHeadBytes;
    if (const int code = want(keyBytes + valueBytes); code != 0) return code;
    _entry.key.assign(_piece, _at, keyBytes);
    _entry.value.assign(_piece, _at + keyBytes, valueBytes);
    _at += keyBytes + valueBytes;
    return 0;
  }

 private:
  /// Has so many bytes from `_at` on in the piece.
  int want(std::size_t bytes) {
    if (_piece.size() - _at >= bytes) return 0;
    _piece.erase(0, _at);
    _at = 0;
    std::size_t filled = _piece.size();
    _piece.resize(std::max(kReadBytes, bytes));
    while (filled < bytes) {
      const auto wanted = std::min<std::uint64_t>(_piece.size() - filled, _end - _next);
      const ssize_t read =
          ::pread(_file, _piece.data() + filled, static_cast<std::size_t>(wanted), static_cast<off_t>(_next));
      if (read < 0 && errno == EINTR) continue;
      if (read <= 0) return read < 0 ? errno : EIO;
      filled += static_cast<std::size_t>(read);
      _next += static_cast<std::uint64_t>(read);
    }
    _piece.resize(filled);
    return 0;
  }

  const int _file;
  std::uint64_t _next;  ///< In the file.
  const std::uint64_t _end;
  std::string _piece;
  std::size_t _at = 0;  ///< In the piece.
  Entry _entry;
};

SortedSpool::SortedSpool(const std::filesystem::path& directory, std::size_t runBytes) : _runBytes(runBytes) {
  std::string name = (directory / "rows-XXXXXX").string();
  _file = Descriptor(::mkostemp(name.data(), O_CLOEXEC));
  if (!_file.valid()) {
    _fault = errno;
  } else {
    ::unlink(name.c_str());
  }
}

int SortedSpool::add(std::string_view key, std::uint64_t order, std::string_view value) {
  _places.push_back({_bytes.size(), static_cast<std::uint32_t>(key.size()),
                     static_cast<std::uint32_t>(value.size()), order});
  _bytes.append(key).append(value);
  return _bytes.size() + _places.size() * sizeof(Place) >= _runBytes ? writeRun() : 0;
}

int SortedSpool::finish() {
  const int code = _places.empty() ? _fault : writeRun();
  _bytes = {};
  _places = {};
  return code;
}

int SortedSpool::writeRun() {
  if (_fault != 0) return _fault;
  std::sort(_places.begin(), _places.end(), [this](const Place& one, const Place& other) {
    const int order = keyOf(one).compare(keyOf(other));
    return order != 0 ? order < 0 : one.order < other.order;
  });
  const std::uint64_t begin = _end;
  std::string piece;
  for (std::size_t i = 0; i < _places.size(); ++i) {
    const Place& place = _places[i];
    store::putInteger(piece, place.keyBytes);
    store::putInteger(piece, place.valueBytes);
    store::putInteger(piece, place.order);
    piece.append(_bytes, place.at, std::size_t{place.keyBytes} + place.valueBytes);
    if (piece.size() < kReadBytes && i + 1 < _places.size()) continue;
    if (const int code = writeAll(_file, piece, _end); code != 0) return code;
    _end += piece.size();
    piece.clear();
  }
  _runs.emplace_back(begin, _end);
  _bytes.clear();
  _places.clear();
  return 0;
}

SortedSpool::Reader::Reader(const SortedSpool& spool) : _spool(spool) {}
SortedSpool::Reader::~Reader() = default;

namespace {

/// For a heap with the first entry on top.
template <class Run>
bool isLater(const std::unique_ptr<Run>& one, const std::unique_ptr<Run>& other) {
  return std::tie(one->entry().key, one->entry().order) > std::tie(other->entry().key, other->entry().order);
}

}  // namespace

int SortedSpool::Reader::start() {
  _started = true;
  for (const auto& [begin, end] : _spool._runs) {
    auto run = std::make_unique<Run>(_spool._file.number(), begin, end);
    bool found = false;
    if (const int code = run->advance(found); code != 0) return code;
    if (found) _heap.push_back(std::move(run));
  }
  std::make_heap(_heap.begin(), _heap.end(), isLater<Run>);
  return 0;
}

int SortedSpool::Reader::next(Entry& entry, bool& found) {
  if (!_started) {
    if (const int code = start(); code != 0) return code;
  }
  found = !_heap.empty();
  if (!found) return 0;
  std::pop_heap(_heap.begin(), _heap.end(), isLater<Run>);
  entry = _heap.back()->take();
  bool more = false;
  if (const int code = _heap.back()->advance(more); code != 0) return code;
  if (more) {
    std::push_heap(_heap.begin(), _heap.end(), isLater<Run>);
  } else {
    _heap.pop_back();
  }
  return 0;
}

}  // namespace p2::lmdb
