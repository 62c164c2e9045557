#!/usr/bin/python3
"""Checks what no compiler reads: scripts parse, links in documents lead somewhere, text is clean.

    check_text.py SOURCE_DIR
"""

import ast
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support")]

from tap import Tap  # noqa: E402

TEXT = (".c", ".h", ".in", ".py", ".sh", ".md", ".txt", ".cmake", ".json", ".yaml", ".yml", ".sql", ".map", ".toml")
# Test data is as it is; a generated golden file has no style.
NOT_OURS = ("tests/fuzz/corpus/", "tests/vectors/", "node_modules/")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.S)
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b")


def tracked_files(root):
    """Empty without git or outside a clone."""
    if not shutil.which("git"):
        return []
    listed = subprocess.run(["git", "-C", root, "ls-files", "-z"], capture_output=True, text=True)
    return [path for path in listed.stdout.split("\0") if path]


def source_files(root):
    paths = tracked_files(root)
    if not paths:
        paths = [os.path.relpath(os.path.join(folder, name), root)
                 for folder, _, names in os.walk(root) for name in names
                 if "/build" not in folder and "/.git" not in folder]
    present = (path for path in sorted(paths) if os.path.isfile(os.path.join(root, path)))
    return [path for path in present if not path.startswith(NOT_OURS)]


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def is_shell(root, path):
    if path.endswith(".sh"):
        return True
    with open(os.path.join(root, path), "rb") as file:
        return re.match(rb"#!.*\b(?:ba)?sh\b", file.read(64)) is not None


def python_errors(root, paths):
    bad = []
    for path in (p for p in paths if p.endswith(".py")):
        try:
            ast.parse(read(root, path), path)
        except SyntaxError as error:
            bad.append(f"{path}:{error.lineno}: {error.msg}")
    return bad


def shell_errors(root, paths):
    bad = []
    for path in (p for p in paths if is_shell(root, p)):
        run = subprocess.run(["bash", "-n", path], cwd=root, capture_output=True, text=True)
        if run.returncode != 0:
            bad.append(run.stderr)
    return bad


def not_executable(root, paths):
    """Files with an interpreter line can be run as they are."""
    bad = []
    for path in paths:
        full = os.path.join(root, path)
        with open(full, "rb") as file:
            script = file.read(2) == b"#!"
        if script and not os.access(full, os.X_OK):
            bad.append(path)
    return bad


def broken_links(root, paths):
    bad = []
    for path in (p for p in paths if p.endswith(".md")):
        for target in LINK.findall(CODE.sub("", read(root, path))):
            file = target.partition("#")[0]
            if "://" in target or target.startswith("mailto:") or not file:
                continue
            if not os.path.exists(os.path.join(root, os.path.dirname(path), file)):
                bad.append(f"{path}: {target}")
    return bad


def untidy(root, paths):
    bad = []
    for path in (p for p in paths if p.endswith(TEXT) or os.path.basename(p) in ("CMakeLists.txt", "LICENSE")):
        try:
            text = read(root, path)
        except UnicodeDecodeError:
            bad.append(f"{path}: not UTF-8")
            continue
        if "\r" in text:
            bad.append(f"{path}: carriage returns")
        if text and not text.endswith("\n"):
            bad.append(f"{path}: no newline at the end")
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip() and not path.endswith(".md"):
                bad.append(f"{path}:{number}: white space at the end of the line")
            if UNFINISHED.search(line):
                bad.append(f"{path}:{number}: unfinished: {line.strip()[:80]}")
    return bad


def main(root):
    tap = Tap()
    paths = source_files(root)
    tap.check(len(paths) > 0, "there are sources to look at")
    tap.none(python_errors(root, paths), "every Python file parses")
    tap.none(shell_errors(root, paths), "every shell script parses")
    tap.none(not_executable(root, paths), "every file with an interpreter line is executable")
    tap.none(broken_links(root, paths), "every link of a document leads to a file")
    tap.none(untidy(root, paths), "text is UTF-8, ends with a newline, and nothing is marked unfinished")
    return tap.done()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
