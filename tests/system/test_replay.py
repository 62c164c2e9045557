"""A real data file through the pipeline: count and energy in the store equal those worked out from the file, to the last unit."""

import csv
import decimal
import io
import pathlib
import tarfile

import pytest

from segs_system import BUILD_DIR, TESTDATA_DIR, Segs, binary

FOLDER = "Water_Heater/Water_Heater_1/Anomaly_Heating_Element/"


def appliance_files(folder):
    archive = TESTDATA_DIR / "appliance-power" / "data.tar.xz"
    if not archive.exists():
        pytest.skip("no appliance-power beside the checkout")
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            if member.isfile() and FOLDER in member.name and member.name.endswith(".csv"):
                target = folder / pathlib.Path(member.name).name
                target.write_bytes(tar.extractfile(member).read())
    return sorted(folder.glob("*.csv"))


def expected(path):
    """(count, energy in 10^-6 kWh) of one file: power in W for a minute each, energy rounded half-even per reading."""
    seen = {}
    for row in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))):
        seen.setdefault(row["ctime"], decimal.Decimal(row["activePower"]))
    one = decimal.Decimal(1)
    energy = 0
    for watts in seen.values():
        micro_kw = (watts * 1000).quantize(one, decimal.ROUND_HALF_EVEN)
        energy += int((micro_kw / 60).quantize(one, decimal.ROUND_HALF_EVEN))
    return len(seen), energy


def test_appliance_power_replays_to_the_last_unit(tmp_path):
    files_dir = tmp_path / "files"
    files_dir.mkdir()
    files = appliance_files(files_dir)
    assert files
    segs = Segs(tmp_path / "data")
    count = energy = 0
    for number, path in enumerate(files):
        result = segs.run("replay", "--data", segs.data_dir, "--interval", "60s", "--tz", "UTC", "--map",
                          f"meter==HEATER-{number},timestamp=ctime,power_kw=activePower*0.001", path)
        assert result.returncode == 0, result.stdout + result.stderr
        file_count, file_energy = expected(path)
        count += file_count
        energy += file_energy
    assert segs.sql("SELECT sum(count), sum(energy_sum_micro_kwh) FROM aggregates_1m") == [(count, energy)]
    assert segs.sql("SELECT sum(count), sum(energy_sum_micro_kwh) FROM aggregates_15m") == [(count, energy)]
    audit = segs.run("audit", "--data", segs.data_dir)
    assert audit.returncode == 0, audit.stdout + audit.stderr
    print(f"{len(files)} files, {count} readings, {energy} micro kWh, {binary(BUILD_DIR)}")
