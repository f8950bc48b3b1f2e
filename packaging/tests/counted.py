"""Checks that are counted, as packaging/test wants to read them."""

import sys
import traceback


def count(checks, explain=None, needed=None):
    """Does each of (words, check), prints a line for it, and last `N passed, N failed`; gives the status to end with.
    What `explain()` says follows on a failure. Without `needed`, a check, the others are not tried."""
    passed, failed = 0, 0
    for name, check in checks:
        try:
            check()
            passed += 1
            print(f"passed: {name}", flush=True)
        except Exception as error:
            failed += 1
            print(f"FAILED: {name}: {error}", flush=True)
            if not isinstance(error, AssertionError):
                traceback.print_exc(file=sys.stdout)
            if explain:
                print(explain(), flush=True)
            if check == needed:
                break
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0
