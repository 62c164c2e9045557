#!/usr/bin/python3
"""Compares every public constant and struct layout with tests/abi/constants.golden.

    check_constants.py CC GOLDEN INCLUDE_DIR... [--update]

abidiff does not see a constant that no exported type mentions, and return codes are such constants;
bindings mirror the layouts. A change here is an ABI change: --update accepts it, and CHANGELOG.md
says so on a line marked **ABI**. The layouts are those of 64-bit Linux.
"""

import difflib
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]

import surface  # noqa: E402
from tap import Tap  # noqa: E402

PROGRAM_HEAD = r"""
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
static void say_int(const char *name, long long v) { printf("%s %lld\n", name, v); }
static void say_uint(const char *name, unsigned long long v) { printf("%s %llu\n", name, v); }
static void say_real(const char *name, double v) { printf("%s %.17g\n", name, v); }
static void say_text(const char *name, const char *v) { printf("%s \"%s\"\n", name, v); }
#define SAY(name) _Generic((name), char *: say_text, const char *: say_text, double: say_real, \
    unsigned: say_uint, unsigned long: say_uint, unsigned long long: say_uint, default: say_int)(#name, (name))
#define LAYOUT(s) printf("struct %s size %zu\n", #s, sizeof(struct s))
#define MEMBER(s, m) printf("struct %s.%s offset %zu size %zu\n", #s, #m, offsetof(struct s, m), \
    sizeof(((struct s *)0)->m))
int main(void)
{
"""


def program(paths):
    includes = "".join(f"#include <segs/{os.path.basename(path)}>\n" for path in paths)
    lines = []
    for path in paths:
        lines += [f"SAY({name});" for name in surface.constants(path) + surface.enumerators(path)]
        for struct, members in surface.structs(path):
            lines.append(f"LAYOUT({struct});")
            lines += [f"MEMBER({struct}, {member});" for member in members]
    return includes + PROGRAM_HEAD + "\n".join(lines) + "\nreturn 0;\n}\n"


def measure(cc, include_dirs):
    paths = sorted(surface.header_paths(include_dirs), key=os.path.basename)
    with tempfile.TemporaryDirectory() as folder:
        source, binary = os.path.join(folder, "surface.c"), os.path.join(folder, "surface")
        with open(source, "w", encoding="utf-8") as file:
            file.write(program(paths))
        flags = [f"-I{include_dir}" for include_dir in include_dirs]
        subprocess.run([cc, "-std=c11", "-Wall", "-Werror", *flags, "-o", binary, source], check=True)
        return subprocess.run([binary], capture_output=True, text=True, check=True).stdout.splitlines()


def padded(lines):
    """Structs whose members do not add up to their size: an old caller's padding is garbage."""
    sizes, sums = {}, {}
    for line in lines:
        words = line.split()
        if words[0] != "struct":
            continue
        struct = words[1].split(".")[0]
        if words[2] == "size":
            sizes[struct] = int(words[3])
        else:
            sums[struct] = sums.get(struct, 0) + int(words[5])
    return [f"struct {s}: {sizes[s]} bytes, members {sums.get(s, 0)}" for s in sizes if sizes[s] != sums.get(s, 0)]


def main(argv):
    update = "--update" in argv
    cc, golden, *include_dirs = [arg for arg in argv if arg != "--update"]
    found = measure(cc, include_dirs)
    if update:
        with open(golden, "w", encoding="utf-8") as file:
            file.write("\n".join(found) + "\n")
        print(f"{golden}: {len(found)} lines")
        return 0

    with open(golden, encoding="utf-8") as file:
        expected = file.read().splitlines()
    tap = Tap()
    # A line that is gone or different breaks callers; a new line is growth, but must be seen as well.
    gone = [line for line in expected if line not in set(found)]
    diff = list(difflib.unified_diff(expected, found, "golden", "headers", lineterm="", n=0))
    tap.none(gone, "no constant or layout of the golden file changed or vanished")
    tap.none(diff, "the golden file lists exactly what the headers define (else: --update)")
    tap.none(padded(found), "no public struct has padding")
    return tap.done()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
