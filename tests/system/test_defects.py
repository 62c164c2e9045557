"""What an earlier system got wrong and only the whole process can show (docs/defects.md)."""

import json
import pathlib
import socket
import sqlite3
import subprocess
import sys
import time

from segs_system import Segs, failpoint_build_dir, reading, running


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError("it did not come true in time")


class Lock:
    """The write lock of a database, held as a forgotten shell would."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        self.db = sqlite3.connect(self.path, isolation_level=None, timeout=20)
        self.db.execute("BEGIN IMMEDIATE")
        return self

    def __exit__(self, *_):
        self.db.execute("ROLLBACK")
        self.db.close()


def log_lines(segs):
    return [json.loads(line) for line in segs.log_path.read_text().splitlines() if line.startswith("{")]


def counted(segs, meter_id):
    return segs.sql_int("SELECT coalesce(sum(count), 0) FROM aggregates_1m JOIN meters USING (meter_key) WHERE meter_id = ?",
                        meter_id)


def send_until_stored(segs, readings, seconds=30):
    return wait_for(lambda: (lambda got: got if got[0] == 200 else None)(segs.post(readings)), seconds)


def test_D_01_what_was_answered_503_is_stored_when_it_is_sent_again(tmp_path):
    with running(tmp_path / "data", {"INGEST_TIMEOUT": "1s"}) as segs:
        batch = [reading(f"R{i}", int(time.time() * 1000), 5000000) for i in range(50)]
        with Lock(segs.data_dir / "bus.db"):
            assert segs.post(batch)[0] == 503
        status, answer = send_until_stored(segs, batch)
        # Nothing of the failed try may pass for a repeat.
        assert (status, answer["accepted"], answer["duplicates"]) == (200, 50, 0)
        segs.drain()
        assert segs.sql_int("SELECT sum(count) FROM aggregates_1m") == 50
        assert segs.sql_int("SELECT count(*) FROM raw_readings") == 50


def test_D_02_when_nothing_can_be_stored_the_answer_is_503_with_retry_after(tmp_path):
    with running(tmp_path / "data", {"INGEST_TIMEOUT": "1s"}) as segs:
        body = json.dumps([reading("A", int(time.time() * 1000), 1)])
        with Lock(segs.data_dir / "bus.db"):
            for path, text in (("/telemetry/batch", body), ("/telemetry", body[1:-1])):
                status, answer, headers = segs.request("ingestion", "POST", path, text)
                assert status == 503
                assert int(headers["Retry-After"]) >= 1
                assert "accepted" not in json.loads(answer)
        metrics = segs.get("ingestion", "/metrics")[1].decode()
        assert 'segs_ingest_readings_total{result="accepted"} 0\n' in metrics
        assert 'segs_ingest_readings_total{result="unavailable"} 2\n' in metrics


def test_D_09_D_30_health_turns_bad_with_the_log_and_good_again(tmp_path):
    with running(tmp_path / "data", {"INGEST_TIMEOUT": "1s"}) as segs:
        now = int(time.time() * 1000)
        assert segs.get("ingestion", "/health")[0] == 200
        with Lock(segs.data_dir / "bus.db"):
            assert segs.post([reading("A", now, 1)])[0] == 503
            wait_for(lambda: segs.get("ingestion", "/health")[0] == 503)
            wait_for(lambda: segs.get("ingestion", "/readyz")[0] == 503)
            wait_for(lambda: segs.get("stream", "/health")[0] == 503)
            # Alive all the while: restarting it would not help.
            assert segs.get("ingestion", "/livez")[0] == 200
        # Nobody has to send anything for it to notice that the log is back.
        wait_for(lambda: segs.get("ingestion", "/health")[0] == 200)
        wait_for(lambda: segs.get("stream", "/health")[0] == 200)


def test_D_77_log_lines_keep_what_belongs_to_the_failure(tmp_path):
    with running(tmp_path / "data", {"INGEST_TIMEOUT": "1s"}) as segs:
        with Lock(segs.data_dir / "bus.db"):
            assert segs.post([reading("A", int(time.time() * 1000), 1)])[0] == 503
        line = wait_for(lambda: [one for one in log_lines(segs) if "could not be appended" in one.get("msg", one.get("message", ""))])[0]
        assert line["code"]
        assert line["error"]
        assert line["service"] == "ingestion"
        assert line["request_id"]


def test_D_112_the_log_does_not_grow_with_requests(tmp_path):
    with running(tmp_path / "data") as segs:
        now = int(time.time() * 1000)
        segs.post([reading("A", now, 1)])
        before = len(log_lines(segs))
        for i in range(300):
            assert segs.post([reading(f"L{i}", now, 1)])[0] == 200
            segs.post([reading(f"L{i}", now, -1)])
        assert len(log_lines(segs)) <= before + 25


def test_D_07_a_reading_sent_again_later_is_counted_once(tmp_path):
    with running(tmp_path / "data", {"ALLOWED_LATENESS": "1s", "IDLE_TIMEOUT": "300ms"}) as segs:
        start = int(time.time() * 1000) // 60000 * 60000 - 3600000
        one = reading("AGAIN", start, 1000000, reading_id="a")
        segs.post([one])
        segs.drain()
        wait_for(lambda: segs.sql_int("SELECT count(*) FROM regional_aggregates WHERE width_ms = 900000") > 0)
        # The hour is closed, the process another one, the label new.
        segs.stop()
        segs.start()
        segs.post([dict(one, reading_id="b")])
        segs.drain()
        assert counted(segs, "AGAIN") == 1
        assert segs.sql_int("SELECT max(revision) FROM aggregates_1m") == 1


def events(segs, topic):
    """Every message of a topic as the log's file holds it."""
    with sqlite3.connect(f"file:{segs.data_dir}/bus.db?mode=ro", uri=True) as db:
        partitions = [row[0] for row in db.execute(
            "SELECT p.id FROM topic_partition p JOIN topic t ON t.id = p.topic_id WHERE t.name = ?", (topic,))]
        return [json.loads(row[0]) for p in partitions for row in db.execute(f"SELECT value FROM log_{p} ORDER BY 1")]


def test_D_22_events_of_a_process_that_died_after_its_commit_are_published(tmp_path):
    segs = Segs(tmp_path / "data", {"CHECKPOINT_INTERVAL": "100ms", "ALLOWED_LATENESS": "0s", "IDLE_TIMEOUT": "0s",
                                    "RAW_PARTITIONS": "1"}, build_dir=failpoint_build_dir())
    start = int(time.time() * 1000) // 60000 * 60000 - 600000
    # The second checkpoint closes the window of the first, and the process ends before anybody is told to publish.
    segs.start(env={"SEGS_FAILPOINTS": "checkpoint.after_commit:kill@2"})
    segs.post([reading("A", start + 1000, 1000000)])
    wait_for(lambda: segs.sql_int("SELECT sum(next_offset) FROM stream_offsets") == 1)
    segs.post([reading("A", start + 130000, 1000000)])
    try:
        segs.process.wait(20)
    except subprocess.TimeoutExpired:
        segs.kill()
        raise
    segs.log.close()
    assert segs.sql_int("SELECT count(*) FROM outbox") > 0
    segs.start()
    try:
        wait_for(lambda: segs.sql_int("SELECT count(*) FROM outbox") == 0)
        published = [e for e in events(segs, "aggregates_1m") if e["meter_id"] == "A"]
        assert published and all(e["count"] == 1 for e in published)
        assert {e["meter_count"] for e in events(segs, "regional_aggregates")} >= {1}
    finally:
        segs.stop()


def test_D_62_open_connections_do_not_keep_it_from_stopping(tmp_path):
    with running(tmp_path / "data") as segs:
        idle = [socket.create_connection(("127.0.0.1", segs.ports[name]), 10)
                for name in ("ingestion", "stream", "gateway") for _ in range(3)]
        for s in idle[::2]:
            s.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"200" in s.recv(100)
        began = time.monotonic()
        assert segs.stop() == 0
        assert time.monotonic() - began < 15
        for s in idle:
            s.close()


def test_D_106_down_ends_its_own_process_and_no_other(tmp_path):
    with running(tmp_path / "data") as segs:
        stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        try:
            other = tmp_path / "other"
            with running(other) as second:
                assert segs.run("down", "--data", segs.data_dir).returncode == 0
                segs.process.wait(10)
                assert second.process.poll() is None
            # A file left by a process that died, whose number a stranger has now.
            run_file = {"pid": stranger.pid, "started_at": "2026-01-01T00:00:00.000Z", "bind": "127.0.0.1",
                        "ports": {"ingestion": segs.ports["ingestion"]}}
            pathlib.Path(segs.data_dir / "segs.json").write_text(json.dumps(run_file))
            assert segs.run("down", "--data", segs.data_dir).returncode != 0
            time.sleep(0.3)
            assert stranger.poll() is None
        finally:
            stranger.kill()
            stranger.wait()


def test_D_111_no_index_repeats_another(tmp_path):
    with running(tmp_path / "data") as segs:
        for (table,) in segs.sql("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"):
            full = []
            for _, name, _, _, partial in segs.sql(f"PRAGMA index_list({table})"):
                columns = tuple(row[2] for row in segs.sql(f"PRAGMA index_info({name})"))
                if not partial:
                    full.append((name, columns))
            for name, columns in full:
                covered = [other for other, more in full if other != name and more[:len(columns)] == columns]
                assert not covered, f"{table}: {name} {columns} is the beginning of {covered}"


def test_D_14_D_15_a_stop_in_the_middle_of_a_minute_loses_nothing(tmp_path):
    with running(tmp_path / "data") as segs:
        acknowledged = 0
        for round_ in range(3):
            second = int(time.time()) * 1000
            readings = [reading(f"S{round_}-{i}", second, 1000) for i in range(200)]
            acknowledged += segs.post(readings)[1]["accepted"]
            # Not drained: what was accepted a moment ago is still only in the log.
            assert segs.stop() == 0
            segs.start()
        segs.drain()
        assert segs.sql_int("SELECT sum(count) FROM aggregates_1m") == acknowledged == 600


def test_D_29_thousands_of_new_meters_are_taken_in_at_once(tmp_path):
    with running(tmp_path / "data") as segs:
        now = int(time.time() * 1000)
        began = time.monotonic()
        for part in range(4):
            assert segs.post([reading(f"N{part}-{i}", now, 1000) for i in range(5000)])[1]["accepted"] == 5000
        segs.drain()
        assert segs.sql_int("SELECT count(*) FROM meters WHERE meter_id LIKE 'N_-%'") == 20000
        # Generous: it is a matter of a second or two where each meter does not cost a round trip.
        assert time.monotonic() - began < 30
