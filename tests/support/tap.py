# SPDX-License-Identifier: MIT
"""TAP for the integration scripts in Python, as tap.sh is for those in shell."""
import sys

_count = 0
_failed = 0


def _show(mark, text):
    for line in str(text).splitlines() or [""]:
        print(f"# {mark} {line}")


def ok(name, good, *details):
    """One case; the details are shown if it failed."""
    global _count, _failed
    _count += 1
    print(f"{'ok' if good else 'not ok'} {_count} - {name}")
    if not good:
        _failed += 1
        for detail in details:
            _show("got:   ", detail)
    sys.stdout.flush()
    return good


def equal(name, got, wanted):
    if not ok(name, got == wanted, got):
        _show("wanted:", wanted)


def has(name, text, *parts):
    missing = [part for part in parts if part not in text]
    if not ok(name, not missing, text):
        for part in missing:
            _show("lacks: ", part)


def skip(name, reason):
    global _count
    _count += 1
    print(f"# SKIPPED: {reason}\nok {_count} - {name} # SKIP {reason}")


def finish():
    """The plan; returns the exit status."""
    print(f"1..{_count}", flush=True)
    return 1 if _failed else 0


def done():
    sys.exit(finish())
