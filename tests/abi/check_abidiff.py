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


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=True, **options).stdout


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
    prefix = os.path.join(folder, "prefix")
    off = [f"-DSEGS_{what}=OFF" for what in ("BUILD_DAEMONS", "BUILD_TESTS", "BUILD_BENCH")]
    run("cmake", "-S", source, "-B", binary, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug",
        "-DCMAKE_INSTALL_LIBDIR=lib", *off)
    run("cmake", "--build", binary)
    run("cmake", "--install", binary, "--prefix", prefix)
    return os.path.join(prefix, "lib", "libsegs.so"), os.path.join(prefix, "include")


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


def main(source, work):
    if not shutil.which("abidiff"):
        print("SKIP: no abidiff here (package abigail-tools)")
        return SKIPPED
    work = os.path.join(work, "abidiff")
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    tap = Tap()
    now = build(source, os.path.join(work, "now"))
    self_test(tap, source, work, now)
    tag = last_tag(source)
    if tag:
        old = os.path.join(work, "old")
        os.makedirs(os.path.join(old, "source"))
        archive = subprocess.run(["git", "-C", source, "archive", tag], capture_output=True, check=True).stdout
        subprocess.run(["tar", "-x", "-C", os.path.join(old, "source")], input=archive, check=True)
        found = compare(build(os.path.join(old, "source"), old), now)
        tap.check(found.returncode == 0, f"the ABI is that of {tag}, plus additions", found.stdout)
    else:
        tap.skip("the ABI is that of the last release", "no release tag to be seen here")
    shutil.rmtree(work)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
