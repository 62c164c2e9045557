#!/usr/bin/python3
"""Compares the library's ABI with that of the last release tag by abidiff.

    check_abidiff.py SOURCE_DIR WORK_DIR

First it proves on a copy of the sources that a grown result struct is refused and a private change
is not. Skipped as a whole without abidiff; the comparison itself without a release tag.
"""

import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]

from tap import SKIPPED, Tap  # noqa: E402


class Failed(Exception):
    pass


def run(*command):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode != 0:
        raise Failed(f"{' '.join(command)}: exit {result.returncode}\n{result.stdout[-4000:]}")


def last_tag(source):
    if not shutil.which("git"):
        return None
    tags = subprocess.run(
        ["git", "-C", source, "tag", "--list", "v[0-9]*", "--sort=-v:refname", "--merged", "HEAD"],
        capture_output=True,
        text=True,
    ).stdout.split()
    return tags[0] if tags else None


def build(source, folder):
    """Builds the shared library with debug information; returns (library, include folder)."""
    binary = os.path.join(folder, "build")
    off = [f"-DSEGS_{what}=OFF" for what in ("BUILD_DAEMONS", "BUILD_TESTS", "BUILD_BENCH")]
    run("cmake", "-S", source, "-B", binary, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug", *off)
    run("cmake", "--build", binary, "--target", "segs", "-j", "2")
    return os.path.join(binary, "lib", "libsegs.so"), os.path.join(source, "include")


def compare(old, new):
    """abidiff's exit code must be 0: a grown result struct sets only the bit "changed"."""
    return subprocess.run(
        ["abidiff", "--no-added-syms", "--suppressions", os.path.join(HERE, "segs.abignore"),
         "--headers-dir1", old[1], "--headers-dir2", new[1], old[0], new[0]],
        capture_output=True,
        text=True,
    )


def copy_sources(source, folder):
    for name in ("include", "lib", "cmake", "pkgconfig"):
        shutil.copytree(os.path.join(source, name), os.path.join(folder, name))
    shutil.copy(os.path.join(source, "CMakeLists.txt"), folder)


def edit(path, old, new):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert old in text, f"{path} no longer holds '{old}'"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(old, new, 1))


def changed_build(source, work, name, path, old, new):
    folder = os.path.join(work, name)
    copy_sources(source, folder)
    edit(os.path.join(folder, path), old, new)
    return build(folder, folder)


def self_test(tap, source, work, now):
    broken = changed_build(source, work, "grown", "include/segs/error.h", "    char field[", "    int64_t grown;\n    char field[")
    found = compare(now, broken)
    tap.check(found.returncode != 0, "self-test: a grown public struct is refused", found.stdout)
    private = changed_build(source, work, "private", "lib/base/version.c", "return ", "return (const char *)")
    found = compare(now, private)
    tap.check(found.returncode == 0, "self-test: a private change is accepted", found.stdout)


def compare_with_release(tap, source, work, now):
    tag = last_tag(source)
    if not tag:
        tap.skip("the ABI is that of the last release", "no release tag to be seen here")
        return
    old = os.path.join(work, "old")
    os.makedirs(old)
    archive = subprocess.run(["git", "-C", source, "archive", tag], capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", old], input=archive, check=True)
    found = compare(build(old, old), now)
    tap.check(found.returncode == 0, f"the ABI is that of {tag}, plus additions", found.stdout)


def main(source, work):
    if not shutil.which("abidiff"):
        print("SKIP: no abidiff here (package abigail-tools)")
        return SKIPPED
    work = os.path.join(work, "abidiff")
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    tap = Tap()
    try:
        now = build(source, os.path.join(work, "now"))
        self_test(tap, source, work, now)
        compare_with_release(tap, source, work, now)
    except Failed as error:
        tap.check(False, "every version builds", error)
    shutil.rmtree(work)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
