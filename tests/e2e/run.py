#!/usr/bin/python3
"""Runs the end-to-end scenarios against a p2 binary: real Prosody, real ejabberd, slixmpp, and the FCM stand-in.

    tests/e2e/run.py --p2 build/app/p2 [-k WORDS] [-v] [--jobs N]

Prints one line a scenario, a transcript of those that fail, and `N passed, N failed` at the end.
"""

import argparse
import contextlib
import os
import re
import sys
import traceback
import typing

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [_HERE, os.path.join(os.path.dirname(_HERE), "support")]

from p2test import p2daemon, transcript  # noqa: E402
import lanes  # noqa: E402
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
import several_scenarios  # noqa: E402,F401
import galera_scenarios  # noqa: E402,F401
import database_scenarios  # noqa: E402,F401
import mistake_scenarios  # noqa: E402,F401
import small_scenarios  # noqa: E402,F401
import soak_scenarios  # noqa: E402,F401


def name_of(scenario):
    return f"{scenario.server + ': ' if scenario.server else ''}{scenario.function.__doc__}"


def chosen(options):
    wanted = {"", *(["long"] if options.long else []), *(["soak"] if options.soak else [])}
    if options.soak and not options.long:
        wanted = {"soak"}
    for each in stage.scenarios:
        text = f"{each.function.__name__} {name_of(each)}".lower()
        if options.short and not each.short:
            continue
        if options.sanitizer and not options.k and not each.sanitized:
            continue
        if each.length in wanted and all(word.lower() in text for word in options.k.split()):
            yield each


class Played(typing.NamedTuple):
    failure: str | None
    first_failure: str | None = None  # of what was played twice


def play(world, scenario, options):
    """Plays one scenario, twice if it may; gives what came of it."""
    report = play_once(world, scenario, options.verbose)
    if report is None or not options.retry or is_crash(report):
        return Played(report)
    return Played(play_once(world, scenario, options.verbose), report)


def play_once(world, scenario, verbose):
    """Gives None or the report of the failure."""
    transcript.begin((lambda line: print("   ", line, flush=True)) if verbose else None)
    report = None
    s = stage.Stage(world, scenario.server)
    try:
        scenario.function(s)
    except Exception as error:  # whatever it is, it is this scenario's failure and the others go on
        report = describe(error)
    except BaseException:  # the run is over
        with contextlib.suppress(Exception):
            s.end()
        raise
    try:
        s.end()
    except Exception as error:
        report = (report or "") + describe(error)
    if report is None:
        return None
    shown = "".join(f"    {line}\n" for line in transcript.lines()[-40:])
    return f"{report}  transcript:\n{shown}  p2's log:\n{s.logs()}" + (world.reports() if verbose else "")


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
    parser.add_argument("--sanitizer", default=os.environ.get("TESTS_SANITIZER", ""),
                        help="the binary is built with one: no limits for memory and CPU")
    parser.add_argument("--retry", action="store_true",
                        help="play what fails once more; what passes then is printed as UNSTEADY, with the first report")
    parser.add_argument("--jobs", type=int, default=1, metavar="N",
                        help="play so many side by side, but for those that measure; all else alone")
    parser.add_argument("--keep", action="store_true", help="keep the directory with configurations and logs")
    options = parser.parse_args()
    p2daemon.leave_the_callers_environment()
    todo = list(chosen(options))
    if options.list:
        for each in todo:
            print(f"{each.function.__name__:32} {name_of(each)}")
        return 0
    if not os.access(options.p2, os.X_OK):
        print(f"no binary at {options.p2}\n0 passed, 1 failed")
        return 1
    failed = 0
    for scenario, seconds, played in lanes.play_all(todo, options.jobs, lambda: world_for(options),
                                                    lambda world, each: play(world, each, options)):
        if played is None:
            played = Played("  the process that played it ended\n")
        if played.first_failure is not None and played.failure is None:
            print(f"UNSTEADY{seconds:5.1f} s  {name_of(scenario)}\n{played.first_failure}", flush=True)
        failed += played.failure is not None
        verdict = "ok     " if played.failure is None else "FAILED "
        print(f"{verdict} {seconds:5.1f} s  {name_of(scenario)}", flush=True)
        if played.failure is not None:
            print(played.failure, flush=True)
    print(f"{len(todo) - failed} passed, {failed} failed")
    return 1 if failed or not todo else 0


def world_for(options):
    return stage.World(options.p2, sanitizer=options.sanitizer, soak_minutes=options.soak or 30,
                       soak_seed=options.seed, keep=options.keep)


if __name__ == "__main__":
    sys.exit(main())
