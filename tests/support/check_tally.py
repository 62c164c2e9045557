#!/usr/bin/python3
"""Checks that scripts/tally.py counts right: the closing line of test-segs.sh stands on it.

    check_tally.py TALLY_SCRIPT
"""

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from tap import Tap  # noqa: E402


def case(name, status, output="", inner=""):
    return f'<testcase name="{name}" status="{status}">{inner}<system-out>{output}</system-out></testcase>'


def tally(script, kind, text, *more):
    with tempfile.NamedTemporaryFile("w", suffix=".log", delete=False) as file:
        file.write(text)
    try:
        run = subprocess.run(
            [sys.executable, script, kind, file.name, *more], capture_output=True, text=True, check=True
        )
    finally:
        os.unlink(file.name)
    lines = run.stdout.splitlines()
    return tuple(int(n) for n in lines[0].split()), lines[1:]


def suite(*cases):
    return "<testsuite>" + "".join(cases) + "</testsuite>"


PASSED = "Running suite(s): a\n100%: Checks: 7, Failures: 0, Errors: 0\n"
FAILED = "50%: Checks: 4, Failures: 1, Errors: 1\nf.c:10:F:tc:name:0: Assertion failed\n"
TAP = "ok 1 - one\nnot ok 2 - two\nok 3 - three # SKIP no gcc\n1..3\n"
RETURN_77 = '<skipped message="SKIP_RETURN_CODE=77"/>'
MISSING = '<skipped message="Unable to find executable"/>'

CTEST = (
    ("single checks of a Check program are counted", [case("a", "run", PASSED)], (7, 0, 0)),
    ("two suites of one program add up", [case("a", "run", PASSED + PASSED)], (14, 0, 0)),
    ("failures and errors are failures", [case("a", "fail", FAILED)], (2, 2, 0)),
    ("a leak after passing checks is a failure", [case("a", "fail", PASSED + "LeakSanitizer")], (7, 1, 0)),
    ("a program that checks nothing is a failure", [case("a", "run", "0%: Checks: 0, Failures: 0, Errors: 0\n")],
     (0, 1, 0)),
    ("a SKIP line moves one check to skipped", [case("a", "run", "SKIP: no data\n" + PASSED)], (6, 0, 1)),
    ("TAP lines are counted", [case("a", "fail", TAP)], (1, 1, 1)),
    ("other programs count as one", [case("a", "run", "fine\n")], (1, 0, 0)),
    ("exit code 77 is a skip", [case("a", "notrun", "no data", RETURN_77)], (0, 0, 1)),
    ("a program that is not there is a failure", [case("a", "notrun", "", MISSING)], (0, 1, 0)),
    ("a crash is a failure", [case("a", "fail", "Segmentation fault")], (0, 1, 0)),
    ("control characters in the output do no harm", [case("a", "run", "\x01\x1b[0m")], (1, 0, 0)),
)

PYTEST = suite(
    '<testcase classname="t" name="a"/>',
    '<testcase classname="t" name="b"><failure message="assert 1 == 2"/></testcase>',
    '<testcase classname="t" name="c"><error message="fixture"/></testcase>',
    '<testcase classname="t" name="d"><skipped message="no data"/></testcase>',
)


def main(script):
    tap = Tap()
    for name, cases, expected in CTEST:
        found, _ = tally(script, "ctest", suite(*cases))
        tap.check(found == expected, name, f"expected {expected}, found {found}")
    found, notes = tally(script, "pytest", PYTEST)
    tap.check(found == (1, 2, 1), "pytest results are counted", f"found {found}")
    tap.check(any("no data" in n for n in notes), "the reason of a skip is shown", notes)
    for text, exit_code, expected in ((TAP, "1", (1, 1, 1)), ("ok 1 - a\n", "1", (1, 1, 0)), ("", "77", (0, 0, 1))):
        found, _ = tally(script, "tap", text, exit_code)
        tap.check(found == expected, f"a shell suite that exits {exit_code} counts {expected}", f"found {found}")
    found, _ = tally(script, "ctest", "<testsuite><testcase")
    tap.check(found == (0, 1, 0), "a torn result file is a failure", f"found {found}")
    return tap.done()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
