#!/usr/bin/python3
"""Writes the table of FCM's answers as inputs of the fuzz target fcm_answers, each under its name.

    tests/fuzz/seeds.py DIRECTORY
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from fcm_answers import TABLE, answer_of  # noqa: E402


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    os.makedirs(sys.argv[1], exist_ok=True)
    for name in TABLE:
        status, headers, body = answer_of(name)
        with open(os.path.join(sys.argv[1], name), "wb") as file:
            file.write(f"{status} {headers.get('Retry-After', '')}\n".encode() + body)


if __name__ == "__main__":
    main()
