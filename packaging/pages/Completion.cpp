#include "Completion.h"

#include "commands/CommandTable.h"
#include "p2/settings/Instance.h"

#include <cstddef>

namespace p2::pages {

namespace {

using app::ArgumentKind;
using app::Command;
using app::CommandOption;

template <class List, class Text>
std::string joined(const List& list, Text textOf, std::string_view between = " ") {
  std::string text;
  for (const auto& each : list) {
    if (!text.empty()) text += between;
    text += textOf(each);
  }
  return text;
}

std::string nameOf(const Command& command) {
  return std::string(command.name);
}

/// `--json`, `--store=`
std::string spelled(const CommandOption& option) {
  return "--" + std::string(option.name) + (option.argument.empty() ? "" : "=");
}

/// The text of a completion that looks where the settings are.
std::string withDirectory(std::string text) {
  constexpr std::string_view kPlace = "DIRECTORY/*";
  const auto found = text.find(kPlace);
  return text.replace(found, kPlace.size(), std::string(settings::Instance::kDirectory) + "/*");
}

// ---- bash

std::string bashArgument(ArgumentKind kind, const std::string& words) {
  switch (kind) {
    case ArgumentKind::text:
      return "text";
    case ArgumentKind::file:
      return "file";
    case ArgumentKind::directory:
      return "directory";
    case ArgumentKind::word:
      return shellWord("word " + words);
  }
  return {};
}

std::string wordsOf(const CommandOption& option) {
  return option.words == nullptr ? "" : joined(option.words(), [](std::string_view word) { return word; });
}

std::string bashCase(const std::string& pattern, const std::string& variable, const std::string& value) {
  return "        " + pattern + ") " + variable + '=' + value + " ;;\n";
}

/// What each option of a command takes, or each of the program if `command` is empty.
std::string bashArguments(const std::string& command, const std::vector<CommandOption>& options) {
  std::string text;
  for (const auto& option : options) {
    if (option.argument.empty()) continue;
    auto pattern = shellWord(command + " --" + std::string(option.name));
    if (!option.letter.empty()) pattern += " | " + shellWord(command + " -" + std::string(option.letter));
    text += bashCase(pattern, "takes", bashArgument(option.kind, wordsOf(option)));
  }
  return text;
}

std::string bashOperands(const Command& command) {
  std::string text;
  for (std::size_t place = 1; place <= command.operands.most; ++place) {
    text += bashCase(shellWord(nameOf(command) + ' ' + std::to_string(place)), "takes",
                     bashArgument(command.operands.kind, ""));
  }
  return text;
}

std::string bashOptions(const std::string& command, const std::vector<CommandOption>& options) {
  return bashCase(shellWord(command), "options", shellWord(joined(options, spelled)));
}

constexpr std::string_view kBashArguments = R"(# bash completion for p2(8)

# _p2_takes COMMAND PLACE: sets what stands there: text, file, directory, word with those that there are, or nothing. The
# place is an option, or the number of an operand; without a command, the program's.
_p2_takes() {
    case "$1 $2" in
)";

constexpr std::string_view kBashOptions = R"(        *) takes= ;;
    esac
}

# _p2_options COMMAND: sets those that it has
_p2_options() {
    case "$1" in
)";

constexpr std::string_view kBashEnd = R"(        *) options= ;;
    esac
}

# _p2_names: those of the several p2 of this machine, with what is given in front of each
_p2_names() {
    local file
    for file in DIRECTORY/*.properties; do
        file=${file##*/}
        case "$file" in
            p2.properties | '*.properties') ;;
            *) printf '%s%s\n' "$1" "${file%.properties}" ;;
        esac
    done
}

# _p2_walk: sets from the words before the cursor the command, the option whose argument comes, NAME with its @, and the
# number of the operand that comes
_p2_walk() {
    local word
    local -i at
    for ((at = 1; at < COMP_CWORD; at++)); do
        word=${COMP_WORDS[at]}
        if [ -n "$option" ]; then
            [ "$word" = = ] || option=  # that was its argument
        elif [[ "$word" == -?* ]]; then
            _p2_takes "$command" "$word"
            [ -z "$takes" ] || option=$word
        elif [ -z "$command" ]; then
            command=$word
        elif [ "$named" = @ ]; then
            named=$word  # the @ before was a word of its own (COMP_WORDBREAKS)
        elif [[ -z "$named" && $place -eq 1 && "$word" == @* ]]; then
            named=$word
        else
            place+=1
        fi
    done
}

# _p2_name: sets which NAMEs may stand at the cursor, and whether only they may
_p2_name() {
    if [ "$named" = @ ]; then
        names=$(_p2_names '')
    elif [[ -n "$command" && -z "$option$named" && $place -eq 1 && "$current" != [^@]* ]]; then
        named=$current
        names=$(_p2_names @)
        if [[ "$current" = @ && "${COMP_WORDBREAKS:-}" == *@* ]]; then
            current=
            names=$(_p2_names '')
        fi
    fi
    [[ -z "$names" || "$named" != @* ]] || only=yes
}

_p2() {
    local current=${COMP_WORDS[COMP_CWORD]} command='' option='' options='' takes='' named='' names='' only=''
    local -i place=1
    COMPREPLY=()
    _p2_walk
    if [ -z "$option" ]; then
        _p2_options "$command"
    elif [ "$current" = = ]; then
        current=
    fi
    _p2_name
    takes=
    if [ -n "$only" ]; then
        options=
    elif [[ -n "$option" || "$current" != -* ]]; then
        _p2_takes "$command" "${option:-$place}"
    fi
    options+=" $names"
    case "$takes" in
        file)
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            ;;
        directory)
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -d -- "$current")
            ;;
        *)
            [[ "$takes" != word* ]] || options="${takes#word } $options"
            mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
            [[ "${COMPREPLY[0]:-}" != *= ]] || compopt -o nospace
            ;;
    esac
}
complete -F _p2 p2
)";

// ---- zsh

std::string zshAction(ArgumentKind kind, const std::string& words) {
  switch (kind) {
    case ArgumentKind::text:
      return " ";
    case ArgumentKind::file:
      return "_files";
    case ArgumentKind::directory:
      return "_files -/";
    case ArgumentKind::word:
      return '(' + words + ')';
  }
  return {};
}

std::string zshOption(const CommandOption& option) {
  const std::string name = "--" + std::string(option.name);
  const bool takes = !option.argument.empty();
  std::string text = '[' + zshText(meaningOf(option)) + ']';
  if (takes) text += ':' + zshText(option.argument) + ':' + zshAction(option.kind, wordsOf(option));
  if (option.letter.empty()) return shellWord(name + (takes ? "=" : "") + text);
  const auto letter = '-' + std::string(option.letter);
  return shellWord('(' + letter + ' ' + name + ')') + '{' + letter + (takes ? "+," : ",") + name +
         (takes ? "=}" : "}") + shellWord(text);
}

std::string zshOperand(const Command& command, std::size_t place) {
  const auto& operands = command.operands;
  return shellWord(std::to_string(place) + (place > operands.least ? "::" : ":") + zshText(operands.name) +
                   ':' + zshAction(operands.kind, ""));
}

std::string zshCommand(const Command& command) {
  std::string text = "      " + nameOf(command) + ")\n        _arguments";
  for (const auto& option : optionsOf(command)) text += " \\\n          " + zshOption(option);
  for (std::size_t place = 1; place <= command.operands.most; ++place) {
    text += " \\\n          " + zshOperand(command, place);
  }
  return text + "\n        ;;\n";
}

constexpr std::string_view kZshBegin = R"(#compdef p2
# zsh completion for p2(8)

local curcontext=$curcontext state line
local -A opt_args
local -a commands
commands=(
)";

constexpr std::string_view kZshCommands = R"(  '(-): :->command' \
  '(-)*:: :->arguments' && return

case $state in
  command) _describe command commands ;;
  arguments)
    if (( CURRENT == 2 )) && [[ $PREFIX != -* ]]; then
      local -a names
      names=(DIRECTORY/*.properties(N:t:r))
      names=(${names:#p2})
      (( $#names )) && compadd -- @${^names}
      [[ $PREFIX == @* ]] && return
    elif [[ $words[2] == @* ]]; then
      words[2]=()
      (( CURRENT-- ))
    fi
    case $words[1] in
)";

constexpr std::string_view kZshEnd = R"(    esac
    ;;
esac
)";

}  // namespace

std::string shellWord(std::string_view text) {
  std::string made = "'";
  for (const char character : text) made += character == '\'' ? "'\\''" : std::string(1, character);
  return made + '\'';
}

std::string zshText(std::string_view text) {
  std::string made;
  for (const char character : text) {
    if (std::string_view("\\:[]").find(character) != std::string_view::npos) made += '\\';
    made += character;
  }
  return made;
}

std::string bashCompletion(const Program& program) {
  std::string text(kBashArguments);
  text += bashArguments("", program.options);
  text += bashCase("' 1'", "takes", bashArgument(ArgumentKind::word, joined(program.commands, nameOf)));
  for (const auto& command : program.commands) {
    text += bashArguments(nameOf(command), optionsOf(command)) + bashOperands(command);
  }
  text += kBashOptions;
  text += bashOptions("", program.options);
  for (const auto& command : program.commands) text += bashOptions(nameOf(command), optionsOf(command));
  return text += withDirectory(std::string(kBashEnd));
}

std::string zshCompletion(const Program& program) {
  std::string text(kZshBegin);
  for (const auto& command : program.commands) {
    text += "  " + shellWord(nameOf(command) + ':' + zshText(command.summary)) + '\n';
  }
  text += ")\n\n_arguments -C \\\n";
  for (const auto& option : program.options) text += "  " + zshOption(option) + " \\\n";
  text += withDirectory(std::string(kZshCommands));
  for (const auto& command : program.commands) text += zshCommand(command);
  return text += kZshEnd;
}

}  // namespace p2::pages
