#!/usr/bin/python3
"""Runs the end-to-end scenarios against a p2 binary: real Prosody, real ejabberd, slixmpp, and the FCM stand-in.

    tests/e2e/run.py --p2 build/app/p2 [-k WORDS] [-v]

Prints one line a scenario, a transcript of those that fail, and `N passed, N failed` at the end.
"""

import argparse
import os
import re
import sys
import time
import traceback

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [_HERE, os.path.join(os.path.dirname(_HERE), "support")]

from p2test import transcript  # noqa: E402
import stage  # noqa: E402
import push_scenarios  # noqa: E402,F401
import fault_scenarios  # noqa: E402,F401
import start_scenarios  # noqa: E402,F401
import process_scenarios  # noqa: E402,F401
import setup_scenarios  # noqa: E402,F401
import client_scenarios  # noqa: E402,F401
import metrics_scenarios  # noqa: E402,F401
import operator_scenarios  # noqa: E402,F401
import privacy_scenarios  # noqa: E402,F401
import check_scenarios  # noqa: E402,F401
import import_scenarios  # noqa: E402,F401
import endurance_scenarios  # noqa: E402,F401
import hostile_scenarios  # noqa: E402,F401
import disaster_scenarios  # noqa: E402,F401
import mistake_scenarios  # noqa: E402,F401
import soak_scenarios  # noqa: E402,F401


def name_of(function, server):
    return f"{server + ': ' if server else ''}{function.__doc__}"


def chosen(options):
    wanted = {"", *(["long"] if options.long else []), *(["soak"] if options.soak else [])}
    if options.soak and not options.long:
        wanted = {"soak"}
    for each in stage.scenarios:
        text = f"{each.function.__name__} {name_of(each.function, each.server)}".lower()
        if options.short and not each.short:
            continue
        if options.sanitizer and not options.k and not each.sanitized:
            continue
        if each.length in wanted and all(word.lower() in text for word in options.k.split()):
            yield each.function, each.server


def play(world, function, server, verbose):
    """Runs one scenario; gives None or the report of its failure."""
    transcript.begin((lambda line: print("   ", line, flush=True)) if verbose else None)
    report = None
    s = stage.Stage(world, server)
    try:
        function(s)
    except Exception as error:  # whatever it is, it is this scenario's failure and the others go on
        report = describe(error)
    try:
        s.end()
    except Exception as error:
        report = (report or "") + describe(error)
    if report is None:
        return None
    shown = "".join(f"    {line}\n" for line in transcript.lines()[-40:])
    return f"{report}  transcript:\n{shown}  p2's log:\n{s.logs()}"


def is_crash(report):
    """What is seldom seen twice, and never the machine's fault."""
    return re.search(r"Sanitizer|runtime error:|p2 ended with (-|99)", report) is not None


def describe(error):
    where = [f for f in traceback.extract_tb(error.__traceback__) if _HERE in f.filename and "run.py" not in f.filename]
    place = f"{os.path.basename(where[-1].filename)}:{where[-1].lineno}: " if where else ""
    kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
    text = f"  {place}{kind}{error}\n"
    if not isinstance(error, AssertionError):
        text += "".join(f"    {line}" for line in traceback.format_exception(error)[-6:])
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--p2", required=True, help="the binary")
    parser.add_argument("-k", default="", metavar="WORDS", help="only scenarios whose name has all these words")
    parser.add_argument("-v", "--verbose", action="store_true", help="print the transcripts as they go")
    parser.add_argument("--list", action="store_true", help="print the scenarios and end")
    parser.add_argument("--long", action="store_true", help="those that take minutes too")
    parser.add_argument("--soak", type=float, metavar="MINUTES", help="the soak, for so long; alone but with --long")
    parser.add_argument("--seed", type=int, help="of the soak's faults: the one that it printed, to see them again")
    parser.add_argument("--short", action="store_true", help="only a part, for slow binaries")
    parser.add_argument("--sanitizer", default=os.environ.get("P2_SANITIZER", ""),
                        help="the binary is built with one: no limits for memory and CPU")
    parser.add_argument("--retry", action="store_true",
                        help="play what fails once more; what passes then is printed as UNSTEADY, with the first report")
    parser.add_argument("--keep", action="store_true", help="keep the directory with configurations and logs")
    options = parser.parse_args()
    todo = list(chosen(options))
    if options.list:
        for function, server in todo:
            print(f"{function.__name__:32} {name_of(function, server)}")
        return 0
    if not os.access(options.p2, os.X_OK):
        print(f"no binary at {options.p2}\n0 passed, 1 failed")
        return 1
    world = stage.World(options.p2, sanitizer=options.sanitizer, soak_minutes=options.soak or 30,
                        soak_seed=options.seed)
    passed = failed = 0
    try:
        for function, server in todo:
            began = time.monotonic()
            report = play(world, function, server, options.verbose)
            took = time.monotonic() - began
            if report is not None and options.retry and not is_crash(report):
                print(f"UNSTEADY{took:5.1f} s  {name_of(function, server)}\n{report}", flush=True)
                report = play(world, function, server, options.verbose)
            if report is None:
                passed += 1
                print(f"ok      {took:5.1f} s  {name_of(function, server)}", flush=True)
            else:
                failed += 1
                print(f"FAILED  {took:5.1f} s  {name_of(function, server)}\n{report}", flush=True)
    finally:
        if failed and options.verbose:
            print(world.reports())
        world.close(options.keep)
        if options.keep:
            print(f"kept: {world.directory}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
