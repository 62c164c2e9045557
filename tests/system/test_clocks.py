"""Wrong clocks, silence and idle partitions: each is told apart, and none of them touches anybody else's windows."""

import time

from segs_system import reading, rfc3339, running

YEAR_MS = 365 * 86400 * 1000


def minute_of(ts_ms):
    return ts_ms - ts_ms % 60000


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError("it did not come true in time")


def closed(segs, start_ms):
    return segs.sql_int("SELECT count(*) FROM regional_aggregates WHERE width_ms = 60000 AND window_start_ms = ?"
                        " AND meter_count > 0", start_ms)


def test_a_clock_a_year_ahead_is_quarantined_and_touches_nobody(tmp_path):
    with running(tmp_path / "data", {"IDLE_TIMEOUT": "0s"}) as segs:
        now = int(time.time() * 1000)
        old = minute_of(now) - 120000
        good = [reading(f"M{i}", old + 1000 * i, 1000000) for i in range(40)]
        ahead = [reading(f"M{i}", now + YEAR_MS, 1000000) for i in range(40)]
        assert segs.post(good)[1]["accepted"] == 40
        assert segs.post(ahead)[1]["accepted"] == 40
        segs.drain()
        assert segs.sql_int("SELECT count(*) FROM quarantine WHERE rule = 'FUTURE' AND field = 'timestamp'") == 40
        assert segs.sql_int("SELECT max(watermark_ms) FROM stream_offsets") <= now
        assert segs.sql_int("SELECT sum(count) FROM aggregates_1m") == 40
        # The readings of that minute that are still to come are counted as if nothing had happened.
        more = [reading(f"M{i}", old + 1000 * i + 500 + 50000 % (60000 - 1000 * i - 500), 2000000) for i in range(9)]
        assert segs.post(more)[1]["accepted"] == 9
        segs.drain()
        assert segs.sql_int("SELECT sum(count) FROM aggregates_1m") == 49
        payload = segs.sql("SELECT found, payload FROM quarantine LIMIT 1")[0]
        assert rfc3339(now + YEAR_MS)[:4] in payload[1]


def test_a_silent_meter_and_idle_partitions_delay_nobody(tmp_path):
    with running(tmp_path / "data", {"IDLE_TIMEOUT": "500ms", "ALLOWED_LATENESS": "1s"}) as segs:
        now = int(time.time() * 1000)
        start = minute_of(now) - 180000
        # One meter only: the three other partitions never see a reading.
        segs.post([reading("LONELY", start + 1000 * i, 3000000) for i in range(10)])
        wait_for(lambda: closed(segs, start), 90)
        load = segs.sql_int("SELECT load_micro_kw FROM regional_aggregates WHERE window_start_ms = ? AND width_ms = 60000"
                            " AND meter_count = 1", start)
        assert load == 3000000
        # It has been silent since: the minutes after it are closed all the same, with nobody in them.
        # A region whose last partition was behind closes with that partition's next minute, so wait for more than one.
        wait_for(lambda: segs.sql_int("SELECT count(*) FROM regional_aggregates WHERE width_ms = 60000"
                                      " AND window_start_ms = ? AND meter_count = 0", start + 60000), 90)


def test_readings_two_hours_late_are_corrections_that_are_published(tmp_path):
    with running(tmp_path / "data", {"ALLOWED_LATENESS": "1s", "IDLE_TIMEOUT": "500ms"}) as segs:
        now = int(time.time() * 1000)
        early = minute_of(now) - 2 * 3600 * 1000
        segs.post([reading("A", early + 1000, 1000000), reading("A", now - 90000, 1000000)])
        wait_for(lambda: closed(segs, early), 90)
        segs.post([reading("A", early + 2000, 4000000)])
        segs.drain()
        wait_for(lambda: segs.sql_int("SELECT count(*) FROM outbox") == 0)
        row = segs.sql("SELECT count, power_sum_micro_kw, revision FROM aggregates_1m WHERE window_start_ms = ?", early)
        assert row == [(2, 5000000, 2)]
        before = segs.sql("SELECT count, power_sum_micro_kw, revision FROM aggregates_history WHERE width_ms = 60000")
        assert before == [(1, 1000000, 1)]
        region = segs.sql("SELECT load_micro_kw, revision FROM regional_aggregates WHERE window_start_ms = ?"
                          " AND width_ms = 60000 AND meter_count = 1", early)
        assert region == [(2500000, 2)]
