"""kill -9 anywhere: nothing acknowledged is lost, nothing is counted twice."""

import random
import subprocess
import time

import pytest

from segs_system import Producer, Segs, check_identities, failpoint_build_dir

KILLS = 20

FAIL_POINTS = [
    "bus.before_commit",
    "bus.after_commit",
    "db.before_commit",
    "db.after_commit",
    "checkpoint.after_fence",
    "checkpoint.after_merge",
    "checkpoint.after_append",
    "checkpoint.after_close",
    "checkpoint.before_commit",
    "checkpoint.after_commit",
    "relay.after_publish",
]


def audit(segs):
    result = segs.run("audit", "--data", segs.data_dir)
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]


def test_kill_at_random_under_load_loses_and_doubles_nothing(tmp_path):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    segs = Segs(tmp_path / "data", {"CHECKPOINT_INTERVAL": "200ms"})
    segs.start()
    producers = [Producer(segs, f"P{i}") for i in range(2)]
    for producer in producers:
        producer.start()
    for _ in range(KILLS):
        time.sleep(rng.uniform(0.2, 1.5))
        segs.kill()
        segs.start()
    for producer in producers:
        producer.finish()
    segs.drain()
    acknowledged = {}
    for producer in producers:
        assert not producer.problems, producer.problems[:3]
        acknowledged.update(producer.acknowledged)
    n_rows, duplicates = check_identities(segs, acknowledged)
    assert len(acknowledged) > 10000
    segs.stop()
    audit(segs)
    print(f"{KILLS} kills, {len(acknowledged)} readings acknowledged, {n_rows} stored, {duplicates} duplicates told apart, "
          f"{sum(p.resent for p in producers)} batches sent again")


@pytest.fixture(scope="session")
def failpoint_build():
    return failpoint_build_dir()


@pytest.mark.parametrize("point", FAIL_POINTS)
def test_kill_at_fail_point_loses_and_doubles_nothing(tmp_path, failpoint_build, point):
    segs = Segs(tmp_path / "data", {"CHECKPOINT_INTERVAL": "100ms", "ALLOWED_LATENESS": "0s"}, build_dir=failpoint_build)
    acknowledged = {}
    deaths = 0
    for visit in (1, 4):
        segs.start(env={"SEGS_FAILPOINTS": f"{point}:kill@{visit}"}, wait=False)
        # The first round is two minutes old, so that the second one closes windows and publishes them.
        producer = Producer(segs, f"V{visit}", meters=400, batch=100, first_round_ago=130)
        producer.start()
        try:
            segs.process.wait(5)
            deaths += 1
        except subprocess.TimeoutExpired:
            segs.kill()
        segs.log.close()
        segs.start()
        producer.finish()
        assert not producer.problems, producer.problems[:3]
        acknowledged.update(producer.acknowledged)
        segs.drain()
        segs.stop()
    assert deaths > 0, f"{point} was never visited"
    segs.start()
    segs.drain()
    check_identities(segs, acknowledged)
    segs.stop()
    audit(segs)
