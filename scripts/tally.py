#!/usr/bin/python3
"""Counts single checks in the results of one test step.

    tally.py ctest  JUNIT_XML          CTest: Check programs, TAP scripts, anything else as one check
    tally.py pytest JUNIT_XML
    tally.py tap    LOG EXIT_CODE      one shell suite

Prints "PASSED FAILED SKIPPED" on the first line, then one line per failure and per skip with its
reason. What cannot be read counts as one failure: a step never vanishes from the sum.
"""

import re
import sys
import xml.etree.ElementTree as ET

CHECK_SUMMARY = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)\s*$", re.M)
CHECK_FAILURE = re.compile(r"^\S+:\d+:[FE]:.*$", re.M)
TAP_LINE = re.compile(r"^(not ok|ok) \d+ - (.*?)(?:\s+# SKIP\s*(.*))?$", re.M)
NOT_XML = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
DETAILS_SHOWN = 8
# A Check test that cannot run here says so on a line of its own and returns.
SKIP_LINE = re.compile(r"^\s*SKIP(?:PED)?:?\s+(.*)$", re.M)


class Count:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.notes = []

    def fail(self, n, note):
        self.failed += n
        self.notes.append(f"FAILED  {note}")

    def skip(self, n, note):
        self.skipped += n
        self.notes.append(f"skipped {note}")


def count_check(count, name, summaries, output):
    """A Check program; it may print several summaries when it runs several suites."""
    n_checks = sum(int(s[0]) for s in summaries)
    n_failed = sum(int(s[1]) + int(s[2]) for s in summaries)
    skips = SKIP_LINE.findall(output)[: n_checks - n_failed]
    count.passed += n_checks - n_failed - len(skips)
    for reason in skips:
        count.skip(1, f"{name}: {reason}")
    if n_failed:
        where = "; ".join(CHECK_FAILURE.findall(output)[:5])
        count.fail(n_failed, f"{name}: {where}")
    if n_checks == 0:
        count.fail(1, f"{name}: ran no check at all")


def details_after(output, offset):
    """The first comment lines that follow a TAP line."""
    lines = output[offset:].splitlines()[1:]
    n = next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))
    more = [f"    ... and {n - DETAILS_SHOWN} lines more, see the log"] if n > DETAILS_SHOWN else []
    return [f"    {line[1:].strip()}" for line in lines[: min(n, DETAILS_SHOWN)]] + more


def count_tap(count, name, output):
    n_lines = 0
    for match in TAP_LINE.finditer(output):
        verdict, title, skip_reason = match.groups()
        n_lines += 1
        if verdict == "not ok":
            count.fail(1, f"{name}: {title}")
            count.notes += details_after(output, match.start())
        elif skip_reason:
            count.skip(1, f"{name}: {title}: {skip_reason}")
        else:
            count.passed += 1
    return n_lines


def count_output(count, name, output, verdict):
    """verdict: what the runner itself says: passed, failed or skipped."""
    summaries = CHECK_SUMMARY.findall(output)
    failed_before = count.failed
    if summaries:
        count_check(count, name, summaries, output)
    elif count_tap(count, name, output) == 0:
        if verdict == "passed":
            skips = SKIP_LINE.findall(output)
            if skips:
                count.skip(1, f"{name}: {skips[0]}")
            else:
                count.passed += 1
        elif verdict == "skipped":
            reasons = SKIP_LINE.findall(output) or output.strip().splitlines()[-1:] or ["no reason given"]
            count.skip(1, f"{name}: {reasons[0].strip()}")
        else:
            last = (output.strip().splitlines() or ["no output"])[-1]
            count.fail(1, f"{name}: {last.strip()}")
        return
    # All checks passed and yet the program failed: a leak, a crash at exit, a wrong exit code.
    if verdict == "failed" and count.failed == failed_before:
        last = (output.strip().splitlines() or ["no output"])[-1]
        count.fail(1, f"{name}: failed after its checks: {last.strip()}")


def cases_of(path):
    with open(path, "rb") as file:
        return ET.fromstring(NOT_XML.sub(b"?", file.read())).iter("testcase")


def count_ctest(path):
    count = Count()
    for case in cases_of(path):
        status = case.get("status", "")
        skipped = case.find("skipped")
        if status == "disabled":
            continue
        if status == "run":
            verdict = "passed"
        elif skipped is not None and skipped.get("message", "").startswith("SKIP_"):
            verdict = "skipped"
        else:
            verdict = "failed"
        output = case.findtext("system-out") or ""
        if status == "fail" and not output.strip():
            failure = case.find("failure")
            output = failure.get("message", "") if failure is not None else ""
        count_output(count, case.get("name"), output, verdict)
    return count


def count_pytest(path):
    count = Count()
    for case in cases_of(path):
        name = f"{case.get('classname', '')}.{case.get('name')}"
        bad = case.find("failure") if case.find("failure") is not None else case.find("error")
        skipped = case.find("skipped")
        if bad is not None:
            message = (bad.get("message") or "no message").splitlines()[0]
            count.fail(1, f"{name}: {message}")
        elif skipped is not None:
            count.skip(1, f"{name}: {skipped.get('message')}")
        else:
            count.passed += 1
    return count


def count_shell(path, exit_code):
    count = Count()
    with open(path, encoding="utf-8", errors="replace") as log:
        output = log.read()
    verdict = {0: "passed", 77: "skipped"}.get(int(exit_code), "failed")
    count_output(count, path.rsplit("/", 1)[-1].removesuffix(".log"), output, verdict)
    return count


def main(argv):
    kind, path = argv[1], argv[2]
    try:
        if kind == "ctest":
            count = count_ctest(path)
        elif kind == "pytest":
            count = count_pytest(path)
        else:
            count = count_shell(path, argv[3])
    except (OSError, ET.ParseError) as error:
        count = Count()
        count.fail(1, f"{path}: no readable result: {error}")
    print(count.passed, count.failed, count.skipped)
    for note in count.notes:
        print(note)


if __name__ == "__main__":
    main(sys.argv)
