#include "p2/transfer/LineReader.h"

#include <streambuf>

namespace p2::transfer {

LineReader::Read LineReader::next(std::string& line) {
  using Traits = std::char_traits<char>;
  line.clear();
  std::streambuf& buffer = *_in.rdbuf();
  auto c = buffer.sbumpc();
  if (Traits::eq_int_type(c, Traits::eof())) return Read::end;
  ++_number;
  bool tooLong = false;
  for (; !Traits::eq_int_type(c, Traits::eof()) && Traits::to_char_type(c) != '\n'; c = buffer.sbumpc()) {
    if (line.size() < kMaxLineBytes) {
      line += Traits::to_char_type(c);
    } else {
      tooLong = true;
    }
  }
  _endMissing = Traits::eq_int_type(c, Traits::eof());
  if (line.ends_with('\r')) line.pop_back();
  return tooLong ? Read::tooLong : Read::line;
}

}  // namespace p2::transfer
