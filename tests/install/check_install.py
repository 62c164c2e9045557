#!/usr/bin/python3
"""Installs the library into a folder of its own and uses it as a stranger would.

    check_install.py SOURCE_DIR BUILD_DIR WORK_DIR CC

Ways in: pkg-config shared and static, CMake shared and static, Debian's libdir under DESTDIR. Also builds the
library without its auth part and checks that libc and libm are then all it needs.
"""

import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support")]

from tap import Tap  # noqa: E402

CONSUMER = os.path.join(HERE, "consumer")
LIBRARY_ONLY = [f"-DSEGS_{what}=OFF" for what in ("BUILD_DAEMONS", "BUILD_TESTS", "BUILD_BENCH")]


class Failed(Exception):
    pass


def run(*command, **variables):
    result = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **variables}
    )
    if result.returncode != 0:
        raise Failed(f"{' '.join(command)}: exit {result.returncode}\n{result.stdout}")
    return result.stdout


def attempt(tap, name, action):
    try:
        detail = action()
    except (Failed, OSError) as error:
        return tap.check(False, name, error)
    return tap.check(not detail, name, detail or "")


def library_path(prefix):
    return os.path.join(prefix, "lib")


def pkg_config(prefix, *arguments, **variables):
    path = os.path.join(library_path(prefix), "pkgconfig")
    return run("pkg-config", *arguments, "segs", PKG_CONFIG_PATH=path, **variables).split()


def expect_version(program, **variables):
    output = run(program, **variables)
    return "" if re.fullmatch(r"libsegs \d+\.\d+\.\d+\n", output) else f"printed {output!r}"


def needed(binary):
    return re.findall(r"NEEDED.*\[(.*?)\]", run("readelf", "-d", binary))


def through_pkg_config(cc, prefix, work):
    program = os.path.join(work, "pc-shared")
    run(cc, os.path.join(CONSUMER, "main.c"), *pkg_config(prefix, "--cflags", "--libs"), "-o", program)
    if not any(name.startswith("libsegs.so") for name in needed(program)):
        return "is not linked to the shared library"
    return expect_version(program, LD_LIBRARY_PATH=library_path(prefix))


def through_pkg_config_static(cc, prefix, work):
    program = os.path.join(work, "pc-static")
    flags = ["-l:libsegs.a" if flag == "-lsegs" else flag for flag in pkg_config(prefix, "--static", "--cflags", "--libs")]
    # All members of the archive, so that a missing private library shows whatever the program calls.
    run(cc, os.path.join(CONSUMER, "main.c"), "-Wl,--whole-archive", "-L" + library_path(prefix), "-l:libsegs.a",
        "-Wl,--no-whole-archive", *[flag for flag in flags if flag != "-l:libsegs.a"], "-o", program)
    if any(name.startswith("libsegs") for name in needed(program)):
        return "still needs the shared library"
    return expect_version(program)


def through_cmake(prefix, work):
    binary = os.path.join(work, "cmake-consumer")
    run("cmake", "-S", CONSUMER, "-B", binary, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", binary)
    for program in ("with-shared", "with-static"):
        complaint = expect_version(os.path.join(binary, program))
        if complaint:
            return f"{program}: {complaint}"
    return ""


def no_path_of_the_build(prefix, *build_paths):
    """What is installed must not point back into the tree it was built in."""
    bad = []
    for folder, _, names in os.walk(prefix):
        for name in names:
            if name.endswith((".cmake", ".pc", ".h")):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    text = file.read()
                bad += [f"{name} names {path}" for path in build_paths if path in text.replace(prefix, "")]
    return "\n".join(bad)


def soname(prefix):
    found = re.findall(r"SONAME.*\[(.*?)\]", run("readelf", "-d", os.path.join(library_path(prefix), "libsegs.so")))
    version = run("pkg-config", "--modversion", "segs",
                  PKG_CONFIG_PATH=os.path.join(library_path(prefix), "pkgconfig")).strip()
    major, minor, _ = version.split(".")
    expected = f"libsegs.so.{major}.{minor}" if major == "0" else f"libsegs.so.{major}"
    return "" if found == [expected] else f"expected {expected}, found {found}"


def programs_find_their_libraries(prefix):
    folder = os.path.join(prefix, "bin")
    bad = []
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        output = run("ldd", os.path.join(folder, name))
        bad += [f"{name}: {line.strip()}" for line in output.splitlines() if "not found" in line]
        bad += [f"{name}: {line.strip()}" for line in output.splitlines() if "libsegs" in line and prefix not in line]
    return "\n".join(bad)


def without_auth(tap, source, work):
    """Also the distribution's way: prefix /usr, its own libdir, staged under DESTDIR."""
    binary, stage = os.path.join(work, "plain"), os.path.join(work, "plain-stage")

    def builds():
        run("cmake", "-S", source, "-B", binary, "-G", "Ninja", "-DSEGS_WITH_AUTH=OFF",
            "-DCMAKE_INSTALL_PREFIX=/usr", *LIBRARY_ONLY)
        run("cmake", "--build", binary)
        run("cmake", "--install", binary, DESTDIR=stage)

    def needs_libc_only():
        libraries = needed(os.path.join(binary, "lib", "libsegs.so"))
        extra = [name for name in libraries if not re.match(r"(libc|libm|ld-linux.*)\.so", name)]
        return f"needs {extra}" if extra else ""

    def pc_is_plain():
        found = [os.path.join(f, n) for f, _, names in os.walk(stage) for n in names if n == "segs.pc"]
        if len(found) != 1:
            return f"expected one segs.pc, found {found}"
        with open(found[0], encoding="utf-8") as file:
            text = file.read()
        libdir = os.path.dirname(os.path.dirname(found[0])).removeprefix(stage)
        variable = run("pkg-config", "--variable=libdir", "segs", PKG_CONFIG_PATH=os.path.dirname(found[0])).strip()
        if variable != libdir:
            return f"libdir says {variable}, installed in {libdir}"
        return "" if re.search(r"^Requires.private:\s*$", text, re.M) else "Requires.private is not empty"

    if attempt(tap, "the library builds without its auth part", builds):
        attempt(tap, "without auth it needs libc and libm alone", needs_libc_only)
        attempt(tap, "segs.pc names the libdir it was installed to", pc_is_plain)


def main(source, build, work, cc):
    tap = Tap()
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    prefix = os.path.join(work, "prefix")
    if attempt(tap, "cmake --install", lambda: run("cmake", "--install", build, "--prefix", prefix) and None):
        attempt(tap, "a consumer links the shared library through pkg-config",
                lambda: through_pkg_config(cc, prefix, work))
        attempt(tap, "a consumer links the static library through pkg-config --static",
                lambda: through_pkg_config_static(cc, prefix, work))
        attempt(tap, "a consumer links both through find_package", lambda: through_cmake(prefix, work))
        attempt(tap, "nothing installed points back into the build", lambda: no_path_of_the_build(prefix, source, build))
        attempt(tap, "installed programs find the installed library", lambda: programs_find_their_libraries(prefix))
        attempt(tap, "the soname follows the version", lambda: soname(prefix))
    without_auth(tap, source, work)
    if tap.n_failed == 0:
        shutil.rmtree(work)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
