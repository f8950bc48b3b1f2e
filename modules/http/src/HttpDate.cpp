#include "p2/http/HttpDate.h"

#include <array>
#include <ctime>
#include <iomanip>
#include <locale>
#include <sstream>

namespace p2::http {

namespace {

// IMF-fixdate, and the obsolete forms that a recipient has to accept: RFC 850 and asctime.
constexpr std::array kForms{"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"};

// From 1900. The system's clock cannot tell other centuries, and no date that matters here is in one.
constexpr int kFirstYear = 70;
constexpr int kLastYear = 299;

std::optional<std::tm> parseForm(const std::string& text, const char* form) {
  std::istringstream in(text);
  in.imbue(std::locale::classic());
  std::tm fields{};
  in >> std::get_time(&fields, form);
  if (in.fail()) return std::nullopt;
  // get_time takes a text that ends early for a whole one.
  std::ostringstream out;
  out.imbue(std::locale::classic());
  out << std::put_time(&fields, form);
  if (out.str() != text) return std::nullopt;
  return fields;
}

std::optional<std::chrono::system_clock::time_point> toTimePoint(std::tm fields) {
  if (fields.tm_year < kFirstYear || fields.tm_year > kLastYear) return std::nullopt;
  const std::tm given = fields;
  const std::time_t seconds = ::timegm(&fields);
  // timegm turns the 31st of June into the 1st of July.
  if (fields.tm_mday != given.tm_mday || fields.tm_mon != given.tm_mon) return std::nullopt;
  if (seconds < 0) return std::nullopt;  // where time_t has 32 bits
  return std::chrono::system_clock::from_time_t(seconds);
}

}  // namespace

std::optional<std::chrono::system_clock::time_point> parseHttpDate(const std::string& text) {
  for (const char* form : kForms) {
    if (const auto fields = parseForm(text, form)) return toTimePoint(*fields);
  }
  return std::nullopt;
}

}  // namespace p2::http
