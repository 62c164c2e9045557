#!/usr/bin/python3
"""Measures `segs dev` as a whole: the simulator over HTTP into ingestion, log, stream processor and tables, all in one process and
every reading stored.

    tests/bench/end_to_end.py [--meters 500000] [--interval 10] [--seconds 60] [--build build/release]

Prints, each as one line: readings stored per second, the largest lag, the delay from an accepted probe to its stored row
(p50, p99, p99.9), resident memory at the start and the end of the measurement, and CPU seconds by where they went. Nothing is
asserted: figures depend on the machine and on what else it does (the load average is printed).
"""

import argparse
import os
import pathlib
import re
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from segs_system import Segs, reading  # noqa: E402


def resident_mib(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) / 1024


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_by_thread(pid):
    seconds = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            stat = (task / "stat").read_text()
        except OSError:
            continue
        name = stat[stat.index("(") + 1:stat.rindex(")")]
        fields = stat.rsplit(") ", 1)[1].split()
        seconds[name] = seconds.get(name, 0) + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return seconds


class Probes(threading.Thread):
    """Sends one reading at a time and waits until its row is stored."""

    def __init__(self, segs):
        super().__init__(daemon=True)
        self.segs = segs
        self.delays = []
        self.stopping = threading.Event()

    def run(self):
        n = 0
        while not self.stopping.wait(0.2):
            n += 1
            now = int(time.time() * 1000)
            meter_id = f"PROBE-{os.getpid()}-{n}"
            status, _ = self.segs.post([reading(meter_id, now, 1000000)])
            accepted = time.monotonic()
            if status != 200:
                continue
            while not self.stopping.is_set():
                if self.segs.sql_int("SELECT count(*) FROM aggregates_1m a JOIN meters m ON m.meter_key = a.meter_key"
                                     " WHERE m.meter_id = ? AND a.window_start_ms = ?", meter_id, now - now % 60000):
                    self.delays.append(time.monotonic() - accepted)
                    break
                time.sleep(0.01)


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def counted(segs):
    return sum(p["counted"] for p in segs.partitions())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--meters", type=int, default=500000)
    parser.add_argument("--interval", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="segs-bench-") as folder:
        settings = {"METERS": arguments.meters, "INTERVAL": f"{arguments.interval}s", "BATCH_SIZE": 1000}
        settings.update(item.split("=", 1) for item in arguments.set)
        segs = Segs(pathlib.Path(folder) / "data", settings, build_dir=pathlib.Path(arguments.build), simulator=True)
        segs.start(seconds=60)
        pid = segs.process.pid
        print(f"offered {arguments.meters / arguments.interval:.0f} readings/s by {arguments.meters} meters, "
              f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        time.sleep(arguments.interval + 5)  # Every meter has been seen once.
        probes = Probes(segs)
        probes.start()
        before, began, memory, cpu, lag = counted(segs), time.monotonic(), resident_mib(pid), cpu_seconds(pid), 0
        by_thread = cpu_by_thread(pid)
        while time.monotonic() - began < arguments.seconds:
            time.sleep(1)
            lag = max(lag, sum(p["lag"] for p in segs.partitions()))
        took = time.monotonic() - began
        stored = counted(segs) - before
        probes.stopping.set()
        probes.join()
        used = cpu_seconds(pid) - cpu
        print(f"stored {stored / took:.0f} readings/s over {took:.0f} s, largest lag {lag} messages")
        if probes.delays:
            d = probes.delays
            print(f"accepted to row: p50 {percentile(d, .5):.2f} s, p99 {percentile(d, .99):.2f} s, "
                  f"p99.9 {percentile(d, .999):.2f} s ({len(d)} probes)")
        print(f"resident {memory:.0f} MiB at the start, {resident_mib(pid):.0f} MiB at the end")
        print(f"CPU {used:.1f} s, {used / took:.2f} cores, {1e6 * used / max(stored, 1):.1f} microseconds a reading")
        for name, seconds in sorted(cpu_by_thread(pid).items(), key=lambda item: -item[1] + by_thread.get(item[0], 0))[:8]:
            print(f"  {name:16s} {seconds - by_thread.get(name, 0):6.1f} s")
        segs.stop(60)


if __name__ == "__main__":
    main()
