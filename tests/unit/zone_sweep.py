"""Compares libsegs with Python's zoneinfo for every zone of the system, 1970 to 2105.

usage: zone_sweep.py ZONE_SWEEP_PROGRAM [ZONEINFO_FOLDER]

Every zone and every change of its clocks, and the first of January and July of each year; the first of
every month with ZONE_SWEEP=months in the environment, which takes twice as long.

Exits with 77, which CTest shows as skipped, where the system has no zone files.
"""

import bisect
import datetime
import io
import os
import subprocess
import sys
import zoneinfo

EPOCH = datetime.datetime(1970, 1, 1)
UTC = datetime.timezone.utc
SECOND = datetime.timedelta(seconds=1)
MONTHS = range(1, 13) if os.environ.get("ZONE_SWEEP") == "months" else (1, 7)


def zone_files(folder):
    """Path and bytes of each distinct TZif file."""
    seen = set()
    for root, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            path = os.path.join(root, name)
            with open(path, "rb") as file:
                data = file.read()
            if data[:4] == b"TZif" and data not in seen:
                seen.add(data)
                yield path, data


def leap_count(data):
    return int.from_bytes(data[28:32], "big")


class Checker:
    def __init__(self, path, data):
        self.path = path
        self.zone = zoneinfo.ZoneInfo.from_file(io.BytesIO(data))
        self.n_facts = 0
        self.errors = []

    def expect(self, what, found, expected):
        self.n_facts += 1
        if found != expected:
            self.errors.append(f"{self.path}: {what}: libsegs {found}, zoneinfo {expected}")

    def at(self, t):
        local = (EPOCH.replace(tzinfo=UTC) + t * SECOND).astimezone(self.zone)
        return (
            int(local.utcoffset().total_seconds()),
            bool(local.dst()),
            local.tzname(),
        )

    def check_periods(self, periods):
        starts = [t for t, *_ in periods]
        instants = {
            int((datetime.datetime(year, month, 1) - EPOCH).total_seconds())
            for year in range(1970, 2105)
            for month in MONTHS
        }
        for t in starts:
            instants.update(u for u in (t - 1, t, t + 1) if u >= 0)
        for t in instants:
            _, offset, is_dst, name = periods[bisect.bisect_right(starts, t) - 1]
            self.expect(f"instant {t}", (offset, is_dst, name), self.at(t))

    def instants_of_local(self, wall):
        """The instants by the offsets of PEP 495 fold 0 and 1, and how many of them show `wall`."""
        instants = []
        for fold in (0, 1):
            local = wall.replace(tzinfo=self.zone, fold=fold)
            instants.append(local.astimezone(UTC))
        shown = {
            t for t in instants if t.astimezone(self.zone).replace(tzinfo=None, fold=0) == wall
        }
        seconds = [int((t.replace(tzinfo=None) - EPOCH).total_seconds()) for t in instants]
        return len(shown), min(seconds), max(seconds)

    def check_local(self, seconds, found):
        wall = EPOCH + seconds * SECOND
        self.expect(f"local {wall}", found, self.instants_of_local(wall))

    def check_day(self, day, found):
        """Where midnight exists it is the start of the day; elsewhere the table of unit tests
        has the cases."""
        midnight = EPOCH + day * 86400 * SECOND
        n, earliest, _ = self.instants_of_local(midnight)
        if n > 0:
            self.expect(f"start of {midnight.date()}", found, earliest)


def check_zone(path, data, lines):
    if leap_count(data) > 0:
        refused = lines == [["refused", "SEGS_ENOTSUP"]]
        return 1, [] if refused else [f"{path}: leap seconds were not refused"]
    checker = Checker(path, data)
    periods = [
        (int(f[1]), int(f[2]), f[3] == "1", f[4]) for f in lines if f[0] == "period"
    ]
    if not periods:
        return 0, [f"{path}: {lines}"]
    checker.check_periods(periods)
    for fields in lines:
        if fields[0] == "local":
            checker.check_local(int(fields[1]), tuple(int(f) for f in fields[2:]))
        elif fields[0] == "day":
            checker.check_day(int(fields[1]), int(fields[2]))
    return checker.n_facts, checker.errors


def main():
    program = sys.argv[1]
    folder = sys.argv[2] if len(sys.argv) > 2 else "/usr/share/zoneinfo"
    if not os.path.isdir(folder):
        print(f"skipped: no folder {folder}")
        return 77
    files = dict(zone_files(folder))
    if not files:
        print(f"skipped: no zone files in {folder}")
        return 77

    run = subprocess.run(
        [program], input="".join(f"{path}\n" for path in files), text=True, check=True,
        stdout=subprocess.PIPE,
    )
    sections = {}
    for line in run.stdout.splitlines():
        fields = line.split(" ", 4)
        if fields[0] == "zone":
            sections[line[5:]] = lines = []
        else:
            lines.append(fields)

    n_facts = 0
    errors = []
    for path, data in files.items():
        n, found = check_zone(path, data, sections[path])
        n_facts += n
        errors += found
    for error in errors[:50]:
        print(error)
    print(f"{len(files)} zones, {n_facts} facts compared, {len(errors)} differ")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
