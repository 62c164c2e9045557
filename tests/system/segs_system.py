"""The whole system as an operator runs it: `segs dev` as a process, readings over HTTP, and what the tables hold afterwards.

What the tables should hold is worked out here from what was sent and answered, never from the system's own code.
"""

import contextlib
import datetime
import http.client
import json
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess
import threading
import time

SOURCE_DIR = pathlib.Path(os.environ.get("SEGS_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
BUILD_DIR = pathlib.Path(os.environ.get("SEGS_BUILD_DIR", SOURCE_DIR / "build" / "release"))
TESTDATA_DIR = pathlib.Path(os.environ.get("SEGS_TESTDATA_DIR", SOURCE_DIR.parent / "shared" / "testdata"))
# To the programs under test every SEGS_ variable is a setting, and one they do not know is an error.
for name in [name for name in os.environ if name.startswith("SEGS_")]:
    del os.environ[name]


def binary(build_dir=BUILD_DIR):
    return pathlib.Path(build_dir) / "daemons" / "segs" / "segs"


def failpoint_build_dir():
    """A build of the daemons with fail points, made on first use."""
    build_dir = SOURCE_DIR / "build" / "failpoints"
    log = build_dir.parent / "failpoints.log"
    build_dir.mkdir(parents=True, exist_ok=True)
    with open(log, "w") as out:
        for command in (
            ["cmake", "-S", SOURCE_DIR, "-B", build_dir, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
             "-DSEGS_FAILPOINTS=ON", "-DSEGS_BUILD_TESTS=OFF", "-DSEGS_BUILD_BENCH=OFF"],
            ["cmake", "--build", build_dir, "--target", "segs-command", "-j", "2"],
        ):
            if subprocess.run([str(part) for part in command], stdout=out, stderr=out).returncode != 0:
                raise RuntimeError(f"building with fail points failed, see {log}")
    return build_dir


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Segs:
    """One `segs dev` on a data folder; may be killed and started again on it."""

    def __init__(self, data_dir, settings=None, build_dir=BUILD_DIR, simulator=False):
        self.data_dir = pathlib.Path(data_dir)
        self.build_dir = build_dir
        self.simulator = simulator
        self.ports = {"ingestion": free_port(), "stream": free_port(), "gateway": free_port(), "simulator": free_port()}
        self.settings = {
            "INGESTION_PORT": self.ports["ingestion"],
            "STREAM_PORT": self.ports["stream"],
            "GATEWAY_PORT": self.ports["gateway"],
            "SIMULATOR_PORT": self.ports["simulator"],
            "LOG_FORMAT": "json",
        }
        self.settings.update(settings or {})
        self.process = None
        self.log_path = self.data_dir.parent / (self.data_dir.name + ".log")

    def start(self, env=None, wait=True, seconds=20):
        command = [str(binary(self.build_dir)), "dev", "--data", str(self.data_dir)]
        if not self.simulator:
            command.append("--no-simulator")
        for name, value in self.settings.items():
            command += ["--set", f"{name}={value}"]
        full_env = os.environ | (env or {})
        self.log = open(self.log_path, "ab")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, env=full_env)
        if wait:
            self.wait_ready(seconds)
        return self

    def wait_ready(self, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"segs dev ended with {self.process.returncode}:\n{self.tail()}")
            if all(self.get(p, "/readyz")[0] == 200 for p in ("ingestion", "stream", "gateway")):
                return
            time.sleep(0.02)
        raise RuntimeError(f"segs dev is not ready:\n{self.tail()}")

    def tail(self):
        return self.log_path.read_text(errors="replace")[-3000:]

    def get(self, service, path):
        return self.request(service, "GET", path)[:2]

    def request(self, service, method, path, body=None, headers=None, timeout=30):
        """(status, body, headers); status 0 when there was no answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[service], timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.read(), dict(response.getheaders())
        except (OSError, http.client.HTTPException):
            return 0, b"", {}
        finally:
            connection.close()

    def post(self, readings, path="/telemetry/batch"):
        body = readings if isinstance(readings, (bytes, str)) else json.dumps(readings)
        status, answer, _ = self.request("ingestion", "POST", path, body, {"Content-Type": "application/json"})
        return status, json.loads(answer) if answer else None

    def partitions(self):
        status, body = self.get("stream", "/partitions")
        return json.loads(body)["data"] if status == 200 else []

    def drain(self, seconds=60):
        """Wait until everything in the log is processed and the processor has said so twice."""
        end = time.monotonic() + seconds
        quiet = 0
        while time.monotonic() < end:
            parts = self.partitions()
            done = parts and all(p.get("lag") == 0 for p in parts)
            quiet = quiet + 1 if done else 0
            if quiet >= 2:
                return
            time.sleep(0.1)
        raise RuntimeError(f"not drained: {self.partitions()}\n{self.tail()}")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.log.close()

    def stop(self, seconds=30):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise RuntimeError(f"segs dev did not stop in {seconds} s:\n{self.tail()}")
        self.log.close()
        return self.process.returncode

    def sql(self, query, *params):
        with contextlib.closing(sqlite3.connect(f"file:{self.data_dir}/segs.db?mode=ro", uri=True)) as db:
            return db.execute(query, params).fetchall()

    def sql_int(self, query, *params):
        return self.sql(query, *params)[0][0]

    def run(self, *arguments, timeout=300):
        return subprocess.run([str(binary(self.build_dir)), *map(str, arguments)], capture_output=True, text=True,
                              timeout=timeout)


@contextlib.contextmanager
def running(data_dir, settings=None, **kwargs):
    segs = Segs(data_dir, settings, **kwargs)
    segs.start()
    try:
        yield segs
    finally:
        if segs.process.poll() is None:
            segs.stop()


def rfc3339(ts_ms):
    whole, ms = divmod(ts_ms, 1000)
    return datetime.datetime.fromtimestamp(whole, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S") + f".{ms:03d}Z"


def reading(meter_id, ts_ms, power_micro_kw, region="North", **more):
    """A reading as JSON members; energy is power over 10 s, cut to 10^-6 kWh. Values are exact decimals."""
    energy = power_micro_kw // 360
    members = {
        "meter_id": meter_id,
        "timestamp": rfc3339(ts_ms),
        "power_kw": power_micro_kw / 1e6,
        "energy_kwh": energy / 1e6,
        "region": region,
    }
    members.update(more)
    return members


class Producer(threading.Thread):
    """Sends distinct readings as fast as they are taken, and every batch again until it is answered 200, as a meter
    head-end would. Remembers what was acknowledged: (meter, second) -> (power, energy) in millionths."""

    def __init__(self, segs, name, meters=4000, batch=500, first_round_ago=0):
        super().__init__(daemon=True)
        self.first_round_ago = first_round_ago
        self.segs = segs
        self.port = segs.ports["ingestion"]
        self.meter_ids = [f"{name}-{i:06d}" for i in range(meters)]
        self.batch = batch
        self.acknowledged = {}
        self.resent = 0
        self.problems = []
        self.stopping = threading.Event()

    def next_batch(self, position, second):
        ids = self.meter_ids[position:position + self.batch]
        made = {}
        texts = []
        stamp = rfc3339(second * 1000)
        for i, meter_id in enumerate(ids):
            power = (position + i) * 1000 + second % 1000
            energy = power // 360
            made[(meter_id, second)] = (power, energy)
            texts.append(
                f'{{"meter_id":"{meter_id}","timestamp":"{stamp}","power_kw":{power // 1000000}.{power % 1000000:06d},'
                f'"energy_kwh":{energy // 1000000}.{energy % 1000000:06d},"region":"North"}}')
        return made, "[" + ",".join(texts) + "]"

    def send(self, connection, body):
        """True when answered 200; False when nobody knows or it was refused for now."""
        try:
            connection.request("POST", "/telemetry/batch", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException):
            return False
        if response.status == 503:
            time.sleep(0.05)
            return False
        answered = json.loads(answer)
        if response.status != 200 or answered["rejected"]:
            self.problems.append((response.status, answer[:300]))
        return True

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        position = 0
        second = int(time.time()) - self.first_round_ago
        while not self.stopping.is_set():
            made, body = self.next_batch(position, second)
            while not self.send(connection, body):
                self.resent += 1
                connection.close()
                if self.stopping.is_set():
                    return  # Not acknowledged: it may be in the store or not.
                time.sleep(0.01)
            self.acknowledged.update(made)
            position += self.batch
            if position >= len(self.meter_ids):
                position = 0
                while int(time.time()) <= second and not self.stopping.is_set():
                    time.sleep(0.005)
                second = int(time.time())
        connection.close()

    def finish(self):
        self.stopping.set()
        self.join(30)


def stored_readings(segs):
    rows = segs.sql("SELECT m.meter_id, r.ts_ms / 1000, r.power_micro_kw, r.energy_micro_kwh"
                    " FROM raw_readings r JOIN meters m ON m.meter_key = r.meter_key")
    return {(meter, second): (power, energy) for meter, second, power, energy in rows}, len(rows)


def check_identities(segs, acknowledged):
    """Every acknowledged reading is stored once with its values, and rows, raw readings and counters agree."""
    stored, n_rows = stored_readings(segs)
    lost = [key for key in acknowledged if key not in stored]
    assert not lost, f"{len(lost)} acknowledged readings are not stored, such as {lost[:3]}"
    changed = [key for key in acknowledged if stored[key] != acknowledged[key]]
    assert not changed, f"{len(changed)} readings were stored with other values, such as {changed[:3]}"
    assert n_rows == len(stored)
    rows = {}
    for (meter, second), (power, energy) in stored.items():
        key = (meter, second // 60 * 60000)
        count, power_sum, energy_sum, slots = rows.get(key, (0, 0, 0, 0))
        rows[key] = (count + 1, power_sum + power, energy_sum + energy, slots | 1 << second % 60)
    found = {(meter, start): (count, power, energy, slots) for meter, start, count, power, energy, slots in segs.sql(
        "SELECT m.meter_id, a.window_start_ms, a.count, a.power_sum_micro_kw, a.energy_sum_micro_kwh, a.slots"
        " FROM aggregates_1m a JOIN meters m ON m.meter_key = a.meter_key")}
    assert found == rows
    read, counted, duplicate, quarantined = segs.sql(
        "SELECT sum(n_read), sum(n_counted), sum(n_duplicate), sum(n_quarantined) FROM stream_offsets")[0]
    assert counted == n_rows
    assert read == counted + duplicate + quarantined
    assert read == segs.sql_int("SELECT sum(next_offset) FROM stream_offsets")
    return n_rows, duplicate
