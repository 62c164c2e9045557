"""Bad input over HTTP: the right status, the element and field named, good readings beside bad ones kept, memory bounded."""

import gzip
import json
import socket
import threading
import time

import pytest

from segs_system import TESTDATA_DIR, reading, running


@pytest.fixture(scope="module")
def segs(tmp_path_factory):
    with running(tmp_path_factory.mktemp("intake") / "data") as running_segs:
        yield running_segs


def post_raw(segs, body, headers=None, path="/telemetry/batch"):
    status, answer, _ = segs.request("ingestion", "POST", path, body, headers or {"Content-Type": "application/json"})
    return status, answer


def resident_bytes(segs):
    with open(f"/proc/{segs.process.pid}/status") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0


def test_D_05_a_bad_reading_costs_no_good_one(segs):
    now = int(time.time() * 1000)
    batch = [reading(f"K{i}", now, 1000) for i in range(5)]
    batch[1]["power_kw"] = "much"
    batch[3]["voltage"] = 2000000
    status, answer = segs.post(batch)
    assert status == 200
    assert (answer["accepted"], answer["rejected"]) == (3, 2)
    assert [(e["index"], e["field"], e["code"]) for e in answer["errors"]] == [
        (1, "power_kw", "TYPE"), (3, "voltage", "RANGE")]
    assert "2000000" in answer["errors"][1]["message"]


def test_D_03_energy_is_kept(segs):
    now = int(time.time() * 1000)
    segs.post([reading("ENERGY", now, 3600000)])
    segs.drain()
    assert segs.sql_int("SELECT energy_sum_micro_kwh FROM aggregates_1m JOIN meters USING (meter_key)"
                        " WHERE meter_id = 'ENERGY'") == 10000


def test_D_07_the_same_instant_in_another_spelling_is_the_same_reading(segs):
    second = int(time.time())
    base = reading("SPELL", second * 1000, 1000)
    plain = dict(base, timestamp=base["timestamp"].replace(".000Z", "Z"))
    offset = dict(base, timestamp=base["timestamp"].replace("Z", "+00:00"))
    for one in (base, plain, offset):
        assert segs.post([one])[1]["accepted"] == 1
    segs.drain()
    assert segs.sql_int("SELECT count FROM aggregates_1m JOIN meters USING (meter_key) WHERE meter_id = 'SPELL'") == 1


def test_D_04_values_and_ids_have_limits(segs):
    now = int(time.time() * 1000)
    cases = [
        (reading("X" * 64, now, 1), "meter_id"),
        (reading("NUL\0", now, 1), "meter_id"),
        (reading("slash/", now, 1), "meter_id"),
        (dict(reading("BIG", now, 1), power_kw=1e9), "power_kw"),
        (dict(reading("HUGE", now, 1), power_kw=1e300), "power_kw"),
        (reading("R", now, 1, region="R" * 64), "region"),
        (dict(reading("T", now, 1), timestamp="2026-02-30T00:00:00Z"), "timestamp"),
    ]
    status, answer = segs.post([case for case, _ in cases])
    assert status == 422
    assert [e["field"] for e in answer["errors"]] == [field for _, field in cases]


def test_negative_power_is_refused_from_a_meter_that_may_not_export(segs):
    now = int(time.time() * 1000)
    status, answer = segs.post([reading("EXPORT", now, -1000000)])
    assert status == 422
    assert answer["errors"][0]["code"] == "NEGATIVE"


def test_unknown_and_repeated_members_are_named(segs):
    now = int(time.time() * 1000)
    unknown = dict(reading("U", now, 1), power_kv=1)
    status, answer = segs.post([unknown])
    assert status == 422
    assert answer["errors"][0]["field"] == "power_kv"
    assert "power_kw" in answer["errors"][0]["message"]
    twice = json.dumps(reading("U", now, 1))[:-1] + ',"powerKw":2}'
    status, answer = segs.post(f"[{twice}]")
    assert status == 422
    assert answer["errors"][0]["code"] == "DUPLICATE_MEMBER"


def test_ndjson_and_gzip_are_taken(segs):
    now = int(time.time() * 1000)
    lines = "\n".join(json.dumps(reading(f"ND{i}", now, 1000)) for i in range(3)) + "\n"
    status, answer = post_raw(segs, lines, {"Content-Type": "application/x-ndjson"})
    assert status == 200 and json.loads(answer)["accepted"] == 3
    packed = gzip.compress(json.dumps([reading(f"GZ{i}", now, 1000) for i in range(3)]).encode())
    status, answer = post_raw(segs, packed, {"Content-Type": "application/json", "Content-Encoding": "gzip"})
    assert status == 200 and json.loads(answer)["accepted"] == 3


def json_suite():
    folder = TESTDATA_DIR / "json-suite" / "test_parsing"
    return sorted(folder.glob("*.json")) if folder.is_dir() else []


def test_json_suite_bodies_never_pass_as_readings(segs):
    files = json_suite()
    if not files:
        pytest.skip("no json-suite beside the checkout")
    for path in files:
        status, answer = post_raw(segs, path.read_bytes())
        if path.name.startswith("n_"):
            assert status in (400, 422), (path.name, status)
        else:
            # No text of the suite is a reading; the two empty arrays hold nothing that could be accepted.
            assert status in (400, 422), (path.name, status, answer[:200])
        if answer:
            assert json.loads(answer)["success"] is False


def test_json_suite_beside_good_readings_keeps_them(segs):
    files = [p for p in json_suite() if p.name.startswith("n_object")]
    if not files:
        pytest.skip("no json-suite beside the checkout")
    now = int(time.time() * 1000)
    kept = 0
    for n, path in enumerate(files):
        good = json.dumps(reading(f"JS{n}", now, 1000)).encode()
        status, answer = post_raw(segs, b"[" + good + b"," + path.read_bytes() + b"]")
        assert status == 200, (path.name, status, answer[:300])
        answer = json.loads(answer)
        assert answer["accepted"] == 1 and answer["rejected"] >= 1
        assert answer["errors"][0]["index"] == 1
        kept += 1
    assert kept == len(files)


def test_naughty_strings_are_byte_equal_or_refused(segs):
    path = TESTDATA_DIR / "naughty-strings"
    lists = [p for p in sorted(path.glob("**/*.json"))] if path.is_dir() else []
    if not lists:
        pytest.skip("no naughty-strings beside the checkout")
    strings = [s for p in lists for s in json.loads(p.read_text(encoding="utf-8")) if isinstance(s, str)]
    now = int(time.time() * 1000)
    accepted = set()
    for start in range(0, len(strings), 100):
        part = strings[start:start + 100]
        status, answer = segs.post([reading(s, now, 1000, region=s) for s in part])
        refused = {e["index"] for e in answer["errors"]}
        assert status in (200, 422)
        accepted |= {s for i, s in enumerate(part) if i not in refused}
    segs.drain()
    stored = {row[0] for row in segs.sql("SELECT meter_id FROM meters")}
    assert accepted <= stored
    assert all(all(c.isalnum() or c in "._:-" for c in s) and s.isascii() for s in accepted)


def test_oversize_is_refused_before_it_is_read(segs):
    with socket.create_connection(("127.0.0.1", segs.ports["ingestion"]), 10) as s:
        s.sendall(b"POST /telemetry/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                  b"Content-Length: 1000000000\r\n\r\n[")
        assert b" 413 " in s.recv(4096).split(b"\r\n")[0]


def test_depth_is_refused_in_bounded_time_and_memory(segs):
    before = resident_bytes(segs)
    began = time.monotonic()
    for text in (b"[" * 2000000, b'{"a":' * 400000, b'[{"meter_id":' + b"[" * 1000000):
        status, _ = post_raw(segs, text)
        assert status in (400, 422)
    assert time.monotonic() - began < 10
    assert resident_bytes(segs) - before < 64 << 20


def test_a_gzip_bomb_is_refused(segs):
    bomb = gzip.compress(b" " * (200 << 20), 9)
    before = resident_bytes(segs)
    status, _ = post_raw(segs, bomb, {"Content-Type": "application/json", "Content-Encoding": "gzip"})
    assert status == 413
    assert resident_bytes(segs) - before < 64 << 20


def test_slow_clients_do_not_keep_others_waiting(segs):
    stalled = []
    stop = threading.Event()

    def stall():
        s = socket.create_connection(("127.0.0.1", segs.ports["ingestion"]), 10)
        stalled.append(s)
        s.sendall(b"POST /telemetry/batch HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
        while not stop.wait(1):
            try:
                s.sendall(b" ")
            except OSError:
                return

    threads = [threading.Thread(target=stall, daemon=True) for _ in range(40)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    now = int(time.time() * 1000)
    for i in range(20):
        began = time.monotonic()
        assert segs.post([reading(f"FAST{i}", now, 1000)])[0] == 200
        assert time.monotonic() - began < 2
    stop.set()
    for s in stalled:
        s.close()


def test_a_torn_request_stores_nothing(segs):
    now = int(time.time() * 1000)
    body = json.dumps([reading(f"TORN{i}", now, 1000) for i in range(100)]).encode()
    with socket.create_connection(("127.0.0.1", segs.ports["ingestion"]), 10) as s:
        s.sendall(b"POST /telemetry/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                  b"Content-Length: %d\r\n\r\n" % len(body) + body[:len(body) // 2])
    time.sleep(0.5)
    segs.drain()
    assert segs.sql_int("SELECT count(*) FROM meters WHERE meter_id LIKE 'TORN%'") == 0


def test_D_10_metrics_do_not_grow_with_what_strangers_ask_for(segs):
    def series():
        return len(segs.get("ingestion", "/metrics")[1].splitlines())

    segs.get("ingestion", "/nothing-here")
    before = series()
    for i in range(50):
        assert segs.get("ingestion", f"/nowhere-{i}")[0] == 404
    assert series() <= before + 2


def test_no_path_or_engine_text_reaches_a_client(segs):
    for status, answer in (post_raw(segs, b"{"), segs.get("ingestion", "/telemetry/batch?x=1")):
        text = answer.decode(errors="replace")
        assert "sqlite" not in text.lower() and str(segs.data_dir) not in text
