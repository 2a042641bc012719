# SPDX-License-Identifier: MIT
"""TAP for the integration scripts in Python, as tap.sh is for those in shell."""
import sys

import failed_values

_count = 0
_failed = 0


def _show(mark, text):
    for line in str(text).splitlines() or [""]:
        print(f"# {mark} {line}")


def result(name, good):
    global _count, _failed
    _count += 1
    _failed += not good
    print(f"{'ok' if good else 'not ok'} {_count} - {name}", flush=True)
    return good


def ok(name, good, *details):
    """One case; if it failed, the values in the condition and the details are shown."""
    if not result(name, good):
        for value in failed_values.lines("good"):
            _show("value: ", value)
        for detail in details:
            if detail != "":
                _show("got:   ", detail)
        sys.stdout.flush()
    return good


def that(good, name, *details):
    """The same, for those who say the condition first."""
    return ok(name, good, *details)


def equal(name, got, wanted):
    if not result(name, got == wanted):
        _show("got:   ", got)
        _show("wanted:", wanted)
        sys.stdout.flush()


def has(name, text, *parts):
    missing = [part for part in parts if part not in text]
    if not result(name, not missing):
        _show("got:   ", text)
        for part in missing:
            _show("lacks: ", part)
        sys.stdout.flush()


def skip(name, reason):
    global _count
    _count += 1
    print(f"# SKIPPED: {reason}\nok {_count} - {name} # SKIP {reason}", flush=True)


def finish():
    """The plan; returns the exit status."""
    print(f"1..{_count}", flush=True)
    return 1 if _failed else 0


def done():
    sys.exit(finish())
