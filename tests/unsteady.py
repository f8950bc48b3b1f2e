#!/usr/bin/python3
"""Remembers what passed at the second try only, and fails for what does so again and again.

    tests/unsteady.py HISTORY [NAME...]

Adds a line for this run to the file HISTORY, with the NAMEs of the tests that failed first and passed then. Prints one line
for each; ends with 1 if one of them did so in three of the last ten runs: it is broken, or the program is.
"""

import collections
import os
import sys
import time

RUNS = 10
TOO_OFTEN = 3


def remember(history, names):
    """Adds this run to the file; gives the names of each of the last runs, this one last."""
    runs = []
    if os.path.exists(history):
        with open(history) as file:
            runs = [line.rstrip("\n").split("\t") for line in file]
    runs.append([time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), *sorted(set(names))])
    runs = runs[-RUNS:]
    try:
        os.makedirs(os.path.dirname(history) or ".", exist_ok=True)
        with open(history + ".new", "w") as file:
            file.writelines("\t".join(run) + "\n" for run in runs)
        os.replace(history + ".new", history)
    except OSError as fault:
        print(f"this run cannot be remembered: {fault}")
    return [run[1:] for run in runs]


def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        print(__doc__)
        return 64
    names = [name.replace("\t", " ") for name in sys.argv[2:]]
    runs = remember(sys.argv[1], names)
    times = collections.Counter(name for run in runs for name in set(run))
    for name in sorted(set(names)):
        print(f"passed at the second try only, in {times[name]} of the last {len(runs)} runs: {name}")
    return 1 if any(times[name] >= TOO_OFTEN for name in names) else 0


if __name__ == "__main__":
    sys.exit(main())
