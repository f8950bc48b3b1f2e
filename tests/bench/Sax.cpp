/// The floor of parsing: Poco's SAX parser over publish stanzas, with a handler that does nothing.
///
///     p2_bench_sax COUNT
#include "Phones.h"

#include <Poco/SAX/DefaultHandler.h>
#include <Poco/SAX/InputSource.h>
#include <Poco/SAX/SAXParser.h>

#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <time.h>

namespace {

double cpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100000;
  std::string stream =
      "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams'>";
  for (std::uint64_t i = 0; i < count; ++i) {
    stream += p2::bench::publishStanza(p2::bench::phone(i % 1000), i, i);
  }
  stream += "</stream:stream>";

  std::istringstream input(stream);
  Poco::XML::InputSource source(input);
  Poco::XML::DefaultHandler handler;
  Poco::XML::SAXParser parser("UTF-8");
  parser.setFeature(Poco::XML::XMLReader::FEATURE_NAMESPACES, true);
  parser.setFeature(Poco::XML::XMLReader::FEATURE_NAMESPACE_PREFIXES, true);
  parser.setContentHandler(&handler);
  const double before = cpuSeconds();
  parser.parse(&source);
  std::printf("{\"cpu_us\":%.3f}\n", (cpuSeconds() - before) * 1e6 / static_cast<double>(count));
  return 0;
}
