#!/usr/bin/python3
"""Runs clang-tidy-14 over the C files of lib/ and daemons/, in parallel, and remembers clean files.

    tidy.py BUILD_DIR CACHE_DIR JOBS

A file is not looked at again while it, the headers of ours it includes, its compile command, the
configuration and the version of clang-tidy are those of its last clean run. Exit 1 on findings of the
gating set (WarningsAsErrors in .clang-tidy); other findings are printed and do not count.
"""

import concurrent.futures
import hashlib
import json
import os
import re
import subprocess
import sys

TIDY = "clang-tidy-14"
HERE = os.path.dirname(os.path.abspath(__file__))
# Folder -> what the analyzer is told beforehand, and the function that this is about.
MODELS = {"lib/": ("lib.h", b"segs__fail"), "daemons/": ("daemons.h", b"rt_fail")}
# Of the analyzer's search: a third of its default takes a third of its time and finds the same here.
EFFORT = [f"--extra-arg={arg}" for arg in ("-Xclang", "-analyzer-config", "-Xclang", "max-nodes=75000")]
INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', re.M)
SUPPRESSED = re.compile(r"^(\d+ warnings? (generated|treated)|Suppressed |Use -header-filter|\s*$)")


def read(path):
    with open(path, "rb") as file:
        return file.read()


class Includes:
    """Hash of a file together with every header of ours below it."""

    def __init__(self, roots):
        self.roots = roots
        self.found = {}

    def closure(self, path, seen):
        if path in seen:
            return
        seen.add(path)
        if path not in self.found:
            folders = (os.path.dirname(path), *self.roots)
            candidates = [[os.path.normpath(os.path.join(f, name.decode())) for f in folders]
                          for name in INCLUDE.findall(read(path))]
            self.found[path] = [next(filter(os.path.isfile, c), None) for c in candidates]
        for header in filter(None, self.found[path]):
            self.closure(header, seen)

    def digest(self, path, salt):
        seen = set()
        self.closure(path, seen)
        digest = hashlib.sha256(salt)
        for name in sorted(seen):
            digest.update(name.encode() + b"\0" + hashlib.sha256(read(name)).digest())
        return digest.hexdigest()


def model_of(path):
    """The file to read first; none where the function itself is defined."""
    model, function = next(MODELS[folder] for folder in MODELS if path.startswith(folder))
    if re.search(rb"^int " + function + rb"\(", read(path), re.M):
        return []
    return [f"--extra-arg=-include{os.path.join(HERE, model)}", "--extra-arg=-Wno-unused-value"]


def check(path, entry, build):
    """Assertions are part of what the analyzer may rely on, so they stay in."""
    command = [TIDY, "--quiet", "-p", build, "--extra-arg=-UNDEBUG", *EFFORT, *model_of(path), entry["file"]]
    run = subprocess.run(command, capture_output=True, text=True)
    lines = [line for line in run.stdout.splitlines() + run.stderr.splitlines() if not SUPPRESSED.match(line)]
    return run.returncode == 0, "\n".join(lines)


def entries_of(build, root):
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        database = json.load(file)
    entries = {}
    for entry in database:
        path = os.path.relpath(os.path.join(entry["directory"], entry["file"]), root)
        if path.startswith(tuple(MODELS)) and os.path.isfile(path):
            entries[path] = entry
    return entries


def main(build, cache, jobs):
    root = os.getcwd()
    build = os.path.abspath(build)
    os.makedirs(cache, exist_ok=True)
    version = subprocess.run([TIDY, "--version"], capture_output=True, check=True).stdout
    includes = Includes([os.path.join(root, f) for f in ("include", "lib", "daemons", "daemons/runtime")]
                        + [os.path.join(build, "include")])
    entries = entries_of(build, root)
    own_files = (os.path.join(HERE, name) for name in sorted(os.listdir(HERE)) if name.endswith((".py", ".h")))
    setup = version + read(".clang-tidy") + b"".join(map(read, own_files))
    pending = {}
    for path, entry in sorted(entries.items()):
        salt = setup + entry["command"].encode()
        stamp = os.path.join(cache, includes.digest(os.path.join(root, path), salt))
        if not os.path.exists(stamp):
            pending[path] = (entry, stamp)

    n_bad = 0
    with concurrent.futures.ThreadPoolExecutor(int(jobs)) as pool:
        futures = {pool.submit(check, path, entry, build): (path, stamp) for path, (entry, stamp) in pending.items()}
        for future in concurrent.futures.as_completed(futures):
            path, stamp = futures[future]
            clean, output = future.result()
            if output:
                print(output, flush=True)
            if clean:
                with open(stamp, "w", encoding="utf-8") as file:
                    file.write(path + "\n")
            else:
                n_bad += 1
    print(f"{len(entries)} files, {len(entries) - len(pending)} unchanged since their last clean run, {n_bad} with findings")
    return 1 if n_bad or not entries else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
