"""Counts checks of a script and prints them as TAP lines, which scripts/tally.py adds up.

    from tap import Tap
    tap = Tap()
    tap.check(left == right, "both agree", detail="shown only on failure")
    tap.skip("needs gcc", "no gcc here")
    sys.exit(tap.done())
"""

SKIPPED = 77  # Exit code that CTest and test-segs.sh read as "skipped as a whole".


class Tap:
    def __init__(self):
        self.n_passed = 0
        self.n_failed = 0
        self.n_skipped = 0

    def _line(self, verdict, name):
        number = self.n_passed + self.n_failed + self.n_skipped
        print(f"{verdict} {number} - {name}", flush=True)

    def check(self, ok, name, detail=""):
        if ok:
            self.n_passed += 1
            self._line("ok", name)
        else:
            self.n_failed += 1
            self._line("not ok", name)
            for line in str(detail).splitlines():
                print(f"# {line}", flush=True)
        return bool(ok)

    def none(self, findings, name):
        """One check: the list of findings is empty."""
        return self.check(not findings, name, "\n".join(str(f) for f in findings))

    def skip(self, name, reason):
        self.n_skipped += 1
        self._line("ok", f"{name} # SKIP {reason}")

    def done(self):
        print(f"1..{self.n_passed + self.n_failed + self.n_skipped}", flush=True)
        if self.n_failed:
            return 1
        return 0 if self.n_passed else SKIPPED
