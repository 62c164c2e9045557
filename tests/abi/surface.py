"""Reads the public surface out of the headers of include/segs: functions, constants, structs.

The headers follow the house style (no inline functions, no bitfields, no nested types), which is
what lets a page of regular expressions read them; what does not fit is an error, never skipped.
"""

import os
import re

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(SEGS_\w+)(\()?[ \t]*(.*)$", re.M)
DIRECTIVE = re.compile(r"^[ \t]*#.*$", re.M)
DECLARATION = re.compile(r"\bSEGS_API\b([^;{]*);")
FUNCTION = re.compile(r"\b(segs_\w+)\s*\(")
STRUCT = re.compile(r"\bstruct\s+(segs_\w+)\s*\{(.*?)\n\}\s*;", re.S)
ENUM = re.compile(r"\benum\s+(?:segs_\w+\s*)?\{(.*?)\}\s*;", re.S)
FUNCTION_POINTER = re.compile(r"\(\s*\*\s*(\w+)\s*\)\s*\(")
MEMBER = re.compile(r"(\w+)\s*(?:\[[^\]]*\]\s*)*$")


class Unreadable(Exception):
    pass


def header_paths(include_dirs):
    """Headers by path; version.h is generated, so there is more than one folder."""
    for include_dir in include_dirs:
        folder = os.path.join(include_dir, "segs")
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            if name.endswith(".h"):
                yield os.path.join(folder, name)


def text_of(path):
    with open(path, encoding="utf-8") as file:
        text = COMMENT.sub(" ", file.read())
    return re.sub(r"\\\n", " ", text)


def functions(path):
    names = []
    for match in DECLARATION.finditer(DIRECTIVE.sub("", text_of(path))):
        name = FUNCTION.search(match.group(1))
        if not name:
            raise Unreadable(f"{path}: SEGS_API on something that is no function: {match.group(1).strip()}")
        names.append(name.group(1))
    return names


def constants(path):
    """Names of object-like SEGS_* macros that have a value. The version changes with every release."""
    names = []
    for name, parameters, value in DEFINE.findall(text_of(path)):
        value = value.strip()
        is_value = value and not value.startswith(("{", "__attribute__"))
        if not parameters and is_value and not name.startswith("SEGS_VERSION_"):
            names.append(name)
    return names


def enumerators(path):
    names = []
    for body in ENUM.findall(DIRECTIVE.sub("", text_of(path))):
        for item in filter(None, (part.strip() for part in body.split(","))):
            name, sign, _ = (part.strip() for part in item.partition("="))
            if not sign:
                raise Unreadable(f"{path}: enumerator {name} has no explicit value")
            names.append(name)
    return names


def members(path, struct, body):
    names = []
    for member in filter(None, (part.strip() for part in body.split(";"))):
        if "{" in member or ":" in member:
            raise Unreadable(f"{path}: struct {struct}: nested type or bitfield in a public struct: {member}")
        pointer = FUNCTION_POINTER.search(member)
        declarators = [pointer.group(1)] if pointer else member.split(",")
        for declarator in declarators:
            name = MEMBER.search(declarator.strip())
            if not name:
                raise Unreadable(f"{path}: struct {struct}: cannot read '{member}'")
            names.append(name.group(1))
    return names


def structs(path):
    """[(struct name, [member names])] of every struct a header defines."""
    text = DIRECTIVE.sub("", text_of(path))
    return [(name, members(path, name, body)) for name, body in STRUCT.findall(text)]
