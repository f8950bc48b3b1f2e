"""Waiting for what gives no sign when it happens."""

import time


def wait_for(words, what, seconds, has_ended=None, explain=None):
    """Until `what()` gives something true, and gives it. Fails after so many seconds, or once `has_ended()`, with `words`,
    which say what was waited for, and what `explain()` says."""
    deadline = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        ended = has_ended is not None and has_ended()
        if ended or time.monotonic() > deadline:
            said = f"; {explain()}" if explain else ""
            raise AssertionError(("it ended before " if ended else f"not after {seconds} s: ") + words + said)
        time.sleep(0.2)
