#!/usr/bin/python3
"""Holds the program against its plan: who may include whom.

    tests/rooms.py [--table] [ROOT]

A room is a module, or a folder of app/. Each may include what stands below it, as PLAN says; no unit (a header with its
source) is in a circle of includes, where what a module keeps to itself may know what it offers; and no room is more than
a fifth of the program. --table prints every room with its share and what it includes.
"""

import argparse
import collections
import os
import pathlib
import re
import sys

# What each room may include beside itself. CMake refuses the same for modules, when they are linked; here it is seen at
# once, and for the rooms of app/, which is one library.
MODULES = {
    "core": "",
    "xmpp": "core",
    "store": "core",
    "push": "core",
    "http": "core",
    "logging": "core",
    "control": "core",
    "process": "core",
    "lmdb": "core store",
    "mariadb": "core store",
    "fcm": "core push http",
    "settings": "core xmpp logging",
    "web": "core control",
    "transfer": "core store xmpp",
    "component": "core xmpp http",
    "proxy": "core xmpp store push",
}
# Which store there is only app/links knows.
KNOWN = " ".join(module for module in MODULES if module not in ("lmdb", "mariadb"))
PLAN = {
    **MODULES,
    "app/options": "core settings",
    "app/links": "core settings component fcm http proxy push store lmdb mariadb",
    "app/daemon": f"{KNOWN} app/links app/options",
    "app/commands": f"{KNOWN} app/links app/options",
    "app/commands/check": f"{KNOWN} app/links app/commands",
    "app/commands/setup": f"{KNOWN} app/links app/options app/commands",
    "app/commands/status": f"{KNOWN} app/links app/commands",
    "app": f"{KNOWN} app/daemon app/commands",
}
# The one list of the commands stands above their rooms.
ABOVE = {"app/commands/CommandTable": "app/commands/check app/commands/setup app/commands/status"}
# Two headers of one source.
SAME = {"http/TlsContextAccess": "http/TlsContext"}
LARGEST = 0.2
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<(p2/[^>]+)>)', re.MULTILINE)
# CMake makes these.
MADE = {"core/Version", "app/ShippedSettings", "web/StatusPageText"}


class Unit:
    """A header and its source."""

    def __init__(self, room):
        self.room = room
        self.offered = False
        self.lines = 0
        self.includes = set()


def place(path):
    """Room and name of the unit that a file, relative to the root, belongs to."""
    parts = path.with_suffix("").parts
    if parts[0] == "modules":
        name = f"{parts[1]}/{parts[-1]}"
        return parts[1], SAME.get(name, name)
    return "/".join(parts[:-1]), "/".join(parts)


def target(text, path):
    """The unit that an include names."""
    if text.startswith("."):
        return place(pathlib.PurePath(os.path.normpath(path.parent / text)))[1]
    parts = pathlib.PurePath(text).with_suffix("").parts
    if parts[0] == "p2":
        name = "/".join(parts[1:])
        return SAME.get(name, name)
    if path.parts[0] == "modules":
        return f"{path.parts[1]}/{parts[-1]}"
    return "/".join(("app", *parts))


def read(root):
    units = {}
    for folder in ("modules", "app"):
        for file in sorted(p for p in (root / folder).rglob("*") if p.suffix in (".h", ".cpp")):
            path = file.relative_to(root)
            room, name = place(path)
            unit = units.setdefault(name, Unit(room))
            text = file.read_text()
            unit.offered |= "include" in path.parts
            unit.lines += text.count("\n")
            unit.includes |= {target(quoted or angled, path) for quoted, angled in INCLUDE.findall(text)} - {name}
    return units


def unknown(units):
    """What is not found cannot be judged. Takes it out."""
    for name, unit in units.items():
        for other in sorted(unit.includes - units.keys() - MADE):
            yield f"{name} includes {other}, which is no unit of a room"
        unit.includes &= units.keys()


def upward(units):
    for name, unit in units.items():
        if unit.room not in PLAN:
            yield f"{name}: the plan knows no room {unit.room}"
            continue
        allowed = {unit.room, *PLAN[unit.room].split(), *ABOVE.get(name, "").split()}
        for other in sorted(unit.includes):
            if units[other].room not in allowed:
                yield f"{name} includes {other}: {unit.room} must not know {units[other].room}"


def circles(units):
    done, way = set(), []

    def onward(name):
        unit = units[name]
        return sorted(other for other in unit.includes
                      if unit.offered or not units[other].offered or units[other].room != unit.room)

    def visit(name):
        if name in way:
            yield "a circle: " + " -> ".join(way[way.index(name):] + [name])
        elif name not in done:
            way.append(name)
            for other in onward(name):
                yield from visit(other)
            way.pop()
            done.add(name)

    for name in units:
        yield from visit(name)


def shares(units):
    lines = collections.Counter()
    for unit in units.values():
        lines["app" if unit.room.startswith("app") else unit.room] += unit.lines
    total = sum(lines.values())
    return {room: count / total for room, count in lines.most_common()}, lines


def table(units):
    share, lines = shares(units)
    for room in share:
        known = collections.Counter()
        for unit in units.values():
            if unit.room.split("/")[0] == room:
                known.update({units[other].room.split("/")[0] for other in unit.includes} - {room})
        print(f"{room:10} {lines[room]:6} lines {share[room]:6.1%}  " +
              " ".join(f"{other}({count})" for other, count in sorted(known.items())))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--table", action="store_true")
    parser.add_argument("root", nargs="?", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    arguments = parser.parse_args()
    units = read(arguments.root)
    faults = [*unknown(units)]
    if arguments.table:
        table(units)
    faults += [*upward(units), *circles(units)]
    for room, share in shares(units)[0].items():
        if share > LARGEST:
            faults.append(f"{room} is {share:.0%} of the program: no room for the next")
    if not units:
        faults.append("there is no program")
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
