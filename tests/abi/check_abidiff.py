#!/usr/bin/python3
"""Compares the library's ABI with that of the last release tag by abidiff.

    check_abidiff.py SOURCE_DIR BINARY_DIR WORK_DIR COMPILER

First it proves on copies of one part of the library (lib/base, which takes a second to build) that a
grown result struct is refused and a private change is not. Skipped as a whole without abidiff; the
comparison itself without a release tag.
"""

import glob
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


def edit(path, old, new):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert old in text, f"{path} no longer holds '{old}'"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(old, new, 1))


def part(source, binary, compiler, folder, *change):
    """lib/base alone with debug information and one change; returns (library, include folder)."""
    include = os.path.join(folder, "include")
    shutil.copytree(os.path.join(source, "include"), include)
    shutil.copytree(os.path.join(source, "lib", "base"), os.path.join(folder, "lib", "base"))
    if change:
        edit(os.path.join(folder, change[0]), *change[1:])
    library = os.path.join(folder, "libpart.so")
    run(compiler, "-std=c11", "-g", "-fPIC", "-shared", "-fvisibility=hidden", f"-I{include}",
        f"-I{os.path.join(folder, 'lib')}", f"-I{os.path.join(binary, 'include')}", "-o", library,
        *sorted(glob.glob(os.path.join(folder, "lib", "base", "*.c"))), "-lm")
    return library, include


def self_test(tap, source, binary, work, compiler):
    def variant(name, *change):
        return part(source, binary, compiler, os.path.join(work, name), *change)

    plain = variant("plain")
    grown = variant("grown", "include/segs/error.h", "    char field[", "    int64_t grown;\n    char field[")
    found = compare(plain, grown)
    tap.check(found.returncode != 0, "self-test: a grown public struct is refused", found.stdout)
    private = variant("private", "lib/base/version.c", "return ", "return (const char *)")
    found = compare(plain, private)
    tap.check(found.returncode == 0, "self-test: a private change is accepted", found.stdout)


def compare_with_release(tap, source, work):
    tag = last_tag(source)
    if not tag:
        tap.skip("the ABI is that of the last release", "no release tag to be seen here")
        return
    old = os.path.join(work, "old")
    os.makedirs(old)
    archive = subprocess.run(["git", "-C", source, "archive", tag], capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", old], input=archive, check=True)
    found = compare(build(old, old), build(source, os.path.join(work, "now")))
    tap.check(found.returncode == 0, f"the ABI is that of {tag}, plus additions", found.stdout)


def main(source, binary, work, compiler):
    if not shutil.which("abidiff"):
        print("SKIP: no abidiff here (package abigail-tools)")
        return SKIPPED
    work = os.path.join(work, "abidiff")
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    tap = Tap()
    try:
        self_test(tap, source, binary, work, compiler)
        compare_with_release(tap, source, work)
    except Failed as error:
        tap.check(False, "every version builds", error)
    shutil.rmtree(work)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
