# Makes the man page p2.properties(5) from p2.properties, which documents every key in the comment above it.
#   awk -v version=1.0.0 -f properties.awk p2.properties

function escape(text) {
  gsub(/\\/, "\\e", text)
  gsub(/-/, "\\-", text)
  if (text ~ /^[.']/) text = "\\&" text
  return text
}

# A line that is indented, or aligned in columns, is an example: it stands as it is.
function isVerbatim(text) { return text ~ /^  / }

function paragraph(   i, literal) {
  literal = 0
  for (i = 1; i <= lines; i++) {
    if (isVerbatim(comment[i]) != literal) {
      literal = !literal
      print literal ? ".nf" : ".fi"
    }
    print comment[i] == "" ? ".PP" : escape(comment[i])
  }
  if (literal) print ".fi"
  lines = 0
}

BEGIN {
  print ".\\\" Made from p2.properties: edit that."
  print ".TH P2.PROPERTIES 5 \"\" \"p2 " version "\" \"File formats\""
  print ".SH NAME"
  print "p2.properties \\- settings of p2, the push proxy for XMPP"
  print ".SH SYNOPSIS"
  print ".B /etc/p2/p2.properties"
  print ".SH DESCRIPTION"
}

/^# ---- / {
  gsub(/^# ---- | -+$/, "")
  print ".SH " toupper(escape($0))
  next
}

# A key: after its description, a comment with the default or a line to fill in.
/^#?[a-z]+\.[A-Za-z.]+ =/ {
  sub(/^#/, "")
  sub(/ +$/, "")
  print ".TP"
  print ".B " escape($0)
  paragraph()
  next
}

/^# ?/ {
  comment[++lines] = substr($0, 3)
  next
}

# An empty line ends a description that belongs to no key.
{ if (lines) { print ".PP"; paragraph() } }

END {
  if (lines) { print ".PP"; paragraph() }
  print ".SH SEE ALSO"
  print ".BR p2 (8),"
  print ".BR p2\\-guide (7)"
}
