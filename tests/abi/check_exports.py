#!/usr/bin/python3
"""Checks that lib/segs.map, the SEGS_API declarations and the symbols of libsegs.so are one list.

    check_exports.py NM LIBRARY MAP INCLUDE_DIR...
"""

import collections
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]

import surface  # noqa: E402
from tap import Tap  # noqa: E402


def mapped(path):
    with open(path, encoding="utf-8") as file:
        text = surface.COMMENT.sub(" ", re.sub(r"#[^\n]*", " ", file.read()))
    names = []
    for body in re.findall(r"global:(.*?)(?:local:|\})", text, re.S):
        names += [name.strip() for name in body.split(";") if name.strip()]
    return names


def exported(nm, library):
    run = subprocess.run([nm, "-D", "--defined-only", library], capture_output=True, text=True, check=True)
    names = set()
    for line in run.stdout.splitlines():
        kind, name = line.split()[-2:]
        if kind != "A":  # the version node itself
            names.add(name.split("@")[0])
    return names


def main(nm, library, map_path, *include_dirs):
    tap = Tap()
    in_map = mapped(map_path)
    declared = [name for path in surface.header_paths(include_dirs) for name in surface.functions(path)]
    in_library = exported(nm, library)

    tap.none([n for n, k in collections.Counter(in_map).items() if k > 1], "the map names each symbol once")
    tap.none([n for n, k in collections.Counter(declared).items() if k > 1], "headers declare each function once")
    tap.none([n for n in in_map if "*" in n or not n.startswith("segs_")], "the map holds plain segs_ names")
    tap.none(sorted(set(in_map) - in_library), "everything in the map is exported")
    tap.none(sorted(in_library - set(in_map)), "nothing else is exported")
    tap.none(sorted(set(declared) - in_library), "everything declared SEGS_API is exported")
    tap.none(sorted(in_library - set(declared)), "everything exported is declared SEGS_API")
    tap.check(len(in_library) > 0, "the library exports something")
    return tap.done()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
