#include "Completion.h"
#include "ManPage.h"
#include "commands/CommandTable.h"
#include "daemon/CommandLine.h"

#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <sysexits.h>

namespace {

using namespace p2;

int write(const char* file, const std::string& text) {
  std::ofstream out(file, std::ios::binary);
  out << text;
  out.close();
  if (out) return EX_OK;
  std::cerr << file << " cannot be written\n";
  return EX_CANTCREAT;
}

/// p2_write_pages <text of p2(8)> <p2(8)> <completion for bash> <completion for zsh>
int run(int argc, char** argv) {
  if (argc != 5) return EX_USAGE;
  const pages::Program program{app::CommandLine::options(), app::commands()};
  std::ifstream in(argv[1], std::ios::binary);
  const auto page = pages::manPage({std::istreambuf_iterator<char>(in), {}}, program);
  if (!page) {
    std::cerr << argv[1] << ": " << page.error() << '\n';
    return EX_DATAERR;
  }
  int code = write(argv[2], page.value());
  if (code == EX_OK) code = write(argv[3], pages::bashCompletion(program));
  if (code == EX_OK) code = write(argv[4], pages::zshCompletion(program));
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& exception) {
    std::cerr << exception.what() << '\n';
    return EX_SOFTWARE;
  }
}
