#!/usr/bin/python3
"""Looks whether every link in the project's Markdown leads to a file, and to a heading of it, that is there.

    tests/links.py FILE...

Links to other sites are not followed. Prints what leads nowhere; ends with 1 if something does.
"""

import functools
import os
import re
import sys

# [words](target), also over two lines, and [word]: target
LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)|^\[[^]]+\]: +(\S+)", re.MULTILINE)


@functools.cache
def text_of(file):
    """Without code: what is indented by four or stands between marks has no links. Each line stays where it is."""
    with open(file) as text:
        lines = ["\n" if line.startswith("    ") else line for line in text]
    return re.sub(r"`[^`\n]*`", lambda code: "`" if "](" in code[0] else code[0], "".join(lines))


@functools.cache
def anchors(file):
    """As the sites that show Markdown make them of headings."""
    found = set()
    for line in text_of(file).splitlines():
        if line.startswith("#"):
            words = re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower())
            found.add(words.replace(" ", "-"))
    return found


def fault(file, link):
    path, _, anchor = link.partition("#")
    target = os.path.normpath(os.path.join(os.path.dirname(file), path)) if path else file
    if not os.path.exists(target):
        return f"there is no {target}"
    if anchor and target.endswith(".md") and anchor not in anchors(target):
        return f"{target} has no heading for #{anchor}"
    return None


def main(files):
    faults = 0
    for file in files:
        text = text_of(file)
        for match in LINK.finditer(text):
            link = match[1] or match[2]
            if "://" not in link and (why := fault(file, link)):
                print(f"{file}:{text.count(chr(10), 0, match.start()) + 1}: {link}: {why}")
                faults += 1
    return 1 if faults or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
