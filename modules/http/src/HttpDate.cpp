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

std::optional<std::chrono::system_clock::time_point> toTimePoint(const std::tm& fields) {
  using namespace std::chrono;
  const year_month_day date{year{fields.tm_year + 1900}, month{static_cast<unsigned>(fields.tm_mon + 1)},
                            day{static_cast<unsigned>(fields.tm_mday)}};
  if (!date.ok()) return std::nullopt;
  return sys_days{date} + hours{fields.tm_hour} + minutes{fields.tm_min} + seconds{fields.tm_sec};
}

}  // namespace

std::optional<std::chrono::system_clock::time_point> parseHttpDate(const std::string& text) {
  for (const char* form : kForms) {
    if (const auto fields = parseForm(text, form)) return toTimePoint(*fields);
  }
  return std::nullopt;
}

}  // namespace p2::http
