#!/usr/bin/python3
"""Compiles each public header alone, as C99, C11, C++11 and C++17, with strict warnings as errors.

    check_headers.py INCLUDE_DIR...
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "abi"), os.path.join(HERE, "..", "support")]

import surface  # noqa: E402
from tap import Tap  # noqa: E402

STRICT = ["-Wall", "-Wextra", "-pedantic", "-Werror", "-Wundef", "-fsyntax-only"]
LANGUAGES = (
    ("c", ("c99", "c11"), ("gcc", "clang-14", "cc")),
    ("c++", ("c++11", "c++17"), ("g++", "clang++-14", "c++")),
)
# What ctypes and C99 callers cannot use.
FORBIDDEN = (
    (re.compile(r"\binline\b"), "inline function"),
    (re.compile(r"\b_?[Ss]tatic_assert\b"), "static assertion"),
    (re.compile(r"\b\w+\s+\w+\s*:\s*\d+\s*;"), "bitfield"),
    (re.compile(r"\bSEGS_API\b[^;]*\.\.\.\s*\)"), "variable arguments"),
    (re.compile(r"\btypedef\s+(?:struct|enum|union)\b"), "typedef of a struct, enum or union"),
)


def compile_alone(compiler, language, standard, include_dirs, header):
    """Included twice, so that a missing guard shows as well."""
    with tempfile.NamedTemporaryFile("w", suffix=".c") as file:
        file.write(f"#include <segs/{header}>\n#include <segs/{header}>\nextern int used;\n")
        file.flush()
        flags = [f"-I{include_dir}" for include_dir in include_dirs]
        run = subprocess.run(
            [compiler, "-x", language, f"-std={standard}", *STRICT, *flags, file.name], capture_output=True, text=True
        )
    return run.returncode == 0, run.stderr


def forbidden(path):
    text = surface.text_of(path)
    return [f"{os.path.basename(path)}: {what}" for pattern, what in FORBIDDEN if pattern.search(text)]


def missing_from_umbrella(paths):
    umbrella = next(path for path in paths if os.path.basename(path) == "segs.h")
    included = set(re.findall(r"#include <segs/([\w.]+)>", surface.text_of(umbrella)))
    return sorted({os.path.basename(path) for path in paths} - included - {"segs.h"})


def main(include_dirs):
    tap = Tap()
    paths = list(surface.header_paths(include_dirs))
    for language, standards, compilers in LANGUAGES:
        compiler = next(filter(shutil.which, compilers), None)
        for standard in standards:
            for header in map(os.path.basename, paths):
                name = f"{header} alone as {standard}"
                if compiler:
                    ok, errors = compile_alone(compiler, language, standard, include_dirs, header)
                    tap.check(ok, name, errors)
                else:
                    tap.skip(name, f"no {language} compiler")
    for path in paths:
        tap.none(forbidden(path), f"{os.path.basename(path)} can be used from C99 and ctypes")
    tap.none(missing_from_umbrella(paths), "segs.h includes every other header")
    return tap.done()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
