#include "ManPage.h"

#include "commands/CommandTable.h"
#include "p2/core/Words.h"

#include <cctype>
#include <cstddef>
#include <utility>

namespace p2::pages {

namespace {

/// What roff prints as this character, also where it would be taken for markup or for one that looks better.
std::string_view glyph(char character) {
  switch (character) {
    case '\\':
      return "\\(rs";
    case '-':
      return "\\-";
    case '\'':
      return "\\(aq";
    case '`':
      return "\\(ga";
    case '"':
      return "\\(dq";
    case '^':
      return "\\(ha";
    case '~':
      return "\\(ti";
    default:
      return {};
  }
}

/// `for programs` as a sentence: `For programs.`
std::string sentence(std::string text) {
  if (!text.empty()) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return core::withStop(std::move(text));
}

/// Each sentence on a line of its own, as roff wants it.
std::string lines(std::string text) {
  for (auto end = text.find(". "); end != std::string::npos; end = text.find(". ", end)) text[end + 1] = '\n';
  return roff(text) + '\n';
}

std::string describe(const app::CommandOption& option) {
  std::string text = ".TP\n";
  if (!option.letter.empty()) text += "\\fB" + roff('-' + std::string(option.letter)) + "\\fR, ";
  text += "\\fB" + roff("--" + std::string(option.name));
  if (!option.argument.empty()) text += "=\\fI" + roff(option.argument);
  return text + "\\fR\n" + lines(sentence(meaningOf(option)));
}

std::string describe(const app::Command& command) {
  std::string text = ".SS " + roff("p2 " + std::string(command.name) + ' ' + usageOf(command)) + '\n' +
                     lines(std::string(command.details));
  for (const auto& option : command.options) text += describe(option);
  return text;
}

template <class List>
std::string describeAll(const List& list) {
  std::string text;
  for (const auto& each : list) text += describe(each);
  return text;
}

core::Result<void> replaceLine(std::string& text, const std::string& line, const std::string& with) {
  const auto found = text.find('\n' + line + '\n');
  if (found == std::string::npos) return core::Error{"the page has no line " + line};
  text.replace(found + 1, line.size() + 1, with);
  return {};
}

}  // namespace

std::string roff(std::string_view text) {
  std::string made;
  bool begins = true;
  for (const char character : text) {
    const auto other = glyph(character);
    if (begins && character == '.') made += "\\&";
    begins = character == '\n';
    if (other.empty()) {
      made += character;
    } else {
      made += other;
    }
  }
  return made;
}

core::Result<std::string> manPage(const std::string& text, const Program& program) {
  std::string page = text;
  auto replaced = replaceLine(page, ".\\\" OPTIONS", describeAll(program.options));
  if (replaced) replaced = replaceLine(page, ".\\\" COMMANDS", describeAll(program.commands));
  if (!replaced) return core::Error{replaced.error()};
  return page;
}

}  // namespace p2::pages
