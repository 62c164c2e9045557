"""A full disk and a locked database: 503 with Retry-After, nothing acknowledged lost, recovery without a restart."""

import json
import os
import sqlite3
import subprocess
import time

import pytest

from segs_system import Producer, Segs, check_identities, failpoint_build_dir, reading, running


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 96 MiB; needs root."""
    mount = tmp_path / "disk"
    mount.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", str(mount)], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"no small file system to be had: {done.stderr.strip()}")
    yield mount
    subprocess.run(["umount", "-l", str(mount)], check=False)


def test_disk_full_answers_503_and_recovers_without_restart(small_disk, tmp_path):
    segs = Segs(small_disk / "data", {"CHECKPOINT_INTERVAL": "200ms", "RAW_RETENTION": "0s"})
    segs.log_path = tmp_path / "log"
    segs.start()
    acknowledged = {}
    try:
        filler = small_disk / "filler"
        producer = Producer(segs, "D", meters=2000, batch=500)
        producer.start()
        time.sleep(1)
        out = open(filler, "wb", buffering=0)
        try:
            while True:
                out.write(b"\0" * 65536)
        except OSError:
            out.close()
        refused = None
        end = time.monotonic() + 30
        while time.monotonic() < end and refused is None:
            now = int(time.time() * 1000)
            status, body, headers = segs.request("ingestion", "POST", "/telemetry/batch",
                                                 json.dumps([reading(f"PROBE{now}-{i}", now, 1) for i in range(500)]),
                                                 {"Content-Type": "application/json"})
            if status == 503:
                refused = (body, headers)
            elif status == 200:
                # Acknowledged is acknowledged, whoever sent it.
                for i in range(500):
                    acknowledged[(f"PROBE{now}-{i}", now // 1000)] = (1, 0)
            time.sleep(0.05)
        assert refused is not None, "the full disk was never noticed"
        assert int(refused[1]["Retry-After"]) >= 1
        assert json.loads(refused[0])["status"] == 503
        assert str(small_disk).encode() not in refused[0]
        time.sleep(1)
        os.remove(filler)
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if segs.post([reading("AFTER", int(time.time() * 1000), 1)])[0] == 200:
                break
            time.sleep(0.2)
        else:
            raise AssertionError("it did not recover after space came back:\n" + segs.tail())
        time.sleep(1)
        producer.finish()
        assert not producer.problems
        acknowledged.update(producer.acknowledged)
        segs.drain()
        check_identities(segs, acknowledged)
    finally:
        segs.stop()


def lock(path):
    """Hold the write lock of a database as a forgotten shell would."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    return db


def test_a_locked_log_answers_503_until_the_lock_goes(tmp_path):
    with running(tmp_path / "data", {"INGEST_TIMEOUT": "1s"}) as segs:
        now = int(time.time() * 1000)
        holder = lock(segs.data_dir / "bus.db")
        began = time.monotonic()
        status, _, headers = segs.request("ingestion", "POST", "/telemetry/batch", json.dumps([reading("A", now, 5)]))
        assert status == 503
        assert int(headers["Retry-After"]) >= 1
        assert time.monotonic() - began < 15
        holder.execute("ROLLBACK")
        holder.close()
        end = time.monotonic() + 20
        while segs.post([reading("A", now, 5)])[0] != 200:
            assert time.monotonic() < end
            time.sleep(0.2)
        segs.drain()
        # The first try may have got in after all: the same reading is counted once either way.
        assert segs.sql_int("SELECT sum(count) FROM aggregates_1m") == 1


def test_a_locked_database_delays_rows_but_no_intake(tmp_path):
    with running(tmp_path / "data", {"CHECKPOINT_INTERVAL": "100ms"}) as segs:
        now = int(time.time() * 1000)
        segs.post([reading("A", now, 5)])
        segs.drain()
        holder = lock(segs.data_dir / "segs.db")
        for i in range(20):
            assert segs.post([reading(f"B{i}", now, 5)])[0] == 200
        time.sleep(1)
        holder.execute("ROLLBACK")
        holder.close()
        segs.drain()
        assert segs.sql_int("SELECT sum(count) FROM aggregates_1m") == 21


# The visits lie after the topics were made, and while partitions are taken up, while meters are entered, in checkpoints.
@pytest.mark.parametrize("point", ["bus.enospc@12", "db.enospc@4", "db.enospc@20", "db.enospc@40"])
def test_a_failing_write_at_the_engine_is_survived(tmp_path, point):
    segs = Segs(tmp_path / "data", {"CHECKPOINT_INTERVAL": "100ms"}, build_dir=failpoint_build_dir())
    segs.start(env={"SEGS_FAILPOINTS": point.replace("@", ":enospc@")})
    producer = Producer(segs, "E", meters=400, batch=100)
    producer.start()
    time.sleep(3)
    producer.finish()
    assert not producer.problems
    segs.drain()
    check_identities(segs, producer.acknowledged)
    segs.stop()
