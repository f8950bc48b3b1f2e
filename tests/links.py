#!/usr/bin/python3
"""Looks whether every link in the project's Markdown leads to a file, and to a heading of it, that is there.

    tests/links.py FILE...

Links to other sites are not followed. Prints what leads nowhere; ends with 1 if something does.
"""

import functools
import os
import re
import sys

LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")


def lines_of(file):
    """Without code: what is indented by four or stands between marks has no links."""
    with open(file) as text:
        for number, line in enumerate(text, 1):
            if not line.startswith("    "):
                yield number, re.sub(r"`[^`]*`", lambda code: "`" if "](" in code[0] else code[0], line)


@functools.cache
def anchors(file):
    """As the sites that show Markdown make them of headings."""
    found = set()
    for _, line in lines_of(file):
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
        for number, line in lines_of(file):
            for link in LINK.findall(line):
                if "://" not in link and (why := fault(file, link)):
                    print(f"{file}:{number}: {link}: {why}")
                    faults += 1
    return 1 if faults or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
