# Makes a man page from one of the texts here, which are in the part of Markdown that they need: headings, paragraphs,
# lists, tables, code that is indented by four, **bold**, *emphasis*, `code` and [links](to somewhere).
#   awk -v version=1.0.0 -f page.awk p2-guide.7.md

function escape(text) {
  gsub(/\\/, "\\e", text)
  gsub(/-/, "\\-", text)
  gsub(/→/, "\\(->", text)
  gsub(/…/, "...", text)
  if (text ~ /^[.']/) text = "\\&" text
  return text
}

# Every other part between the marks, in that font.
function between(text, mark, font,   parts, n, i, out) {
  n = split(text, parts, mark)
  for (i = 1; i <= n; i++) out = out (i % 2 == 0 ? "\\f" font parts[i] "\\fR" : parts[i])
  return out
}

# Links become their words; where they lead to another site, its address follows.
function withoutTargets(text,   before, words, target, rest, end) {
  while (match(text, /\[[^]]*\]\([^)]*\)/)) {
    before = substr(text, 1, RSTART - 1)
    rest = substr(text, RSTART + RLENGTH)
    words = substr(text, RSTART + 1, RLENGTH - 2)
    end = index(words, "](")
    target = substr(words, end + 2)
    words = substr(words, 1, end - 1)
    text = before words (target ~ /:\/\// ? " (" target ")" : "") rest
  }
  return text
}

# The words in the fonts that their marks mean. Code first: nothing in it is a mark.
function fonts(text,   out, parts, n, i) {
  n = split(withoutTargets(text), parts, "`")
  for (i = 1; i <= n; i++) {
    if (i % 2 == 0) {
      out = out "\\fB" escape(parts[i]) "\\fR"
    } else {
      gsub(/\*\*/, "\001", parts[i])
      out = out between(between(escape(parts[i]), "\001", "B"), "[*]", "I")
    }
  }
  return out
}

function endBlock() {
  if (code) print ".fi\n.RE"
  code = 0
}

function endText() {
  if (text != "") print fonts(text)
  text = ""
}

function endAll() {
  endText()
  endBlock()
}

# "# p2-guide(7): what it is about"
NR == 1 {
  name = substr($2, 1, index($2, "(") - 1)
  section = substr($2, index($2, "(") + 1, 1)
  about = substr($0, index($0, ": ") + 2)
  print ".\\\" Made from " name "." section ".md: edit that."
  print ".TH " toupper(escape(name)) " " section " \"\" \"p2 " version "\" \"p2\""
  print ".SH NAME"
  print escape(name) " \\- " escape(about)
  print ".SH DESCRIPTION"
  next
}
/^## / {
  endAll()
  print ".SH " toupper(escape(substr($0, 4)))
  next
}
/^### / {
  endAll()
  print ".SS " escape(substr($0, 5))
  next
}
/^$/ {
  endText()
  gap = 1
  next
}
# Code, also below a point of a list.
/^    / && (gap || code) && (!inList || /^       /) {
  if (!code) print ".PP\n.RS 4\n.nf"
  else if (gap) print ""
  code = 1
  gap = 0
  print escape(substr($0, inList ? 8 : 5))
  next
}
/^\|[-|]+$/ { next }
/^\| what \|/ { next }
/^\|/ {
  endAll()
  split($0, cells, / *\| */)
  print ".TP\n\\fB" fonts(cells[2]) "\\fR\n" fonts(cells[3]) (cells[4] == "" ? "" : ": " fonts(cells[4]))
  gap = 0
  next
}
/^(- |[0-9]+\. )/ {
  endAll()
  print /^-/ ? ".IP \\(bu 3" : ".IP " $1 " 3"
  sub(/^(-|[0-9]+\.) +/, "")
  text = $0
  inList = 1
  gap = 0
  next
}
{
  endBlock()
  if (gap) {
    if (/^   ?[^ ]/ && inList) print ".IP \"\" 3"
    else {
      print ".PP"
      inList = 0
    }
  }
  gap = 0
  sub(/^ +/, "")
  text = text == "" ? $0 : text " " $0
}
END {
  endAll()
  print ".SH SEE ALSO"
  print ".BR p2 (8),\n.BR p2.properties (5),"
  print ".BR p2\\-" (name == "p2-guide" ? "privacy" : "guide") " (7)"
}
