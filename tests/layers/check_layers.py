#!/usr/bin/python3
"""Checks the include and call rules of rules.py over the C files of a source tree.

    check_layers.py SOURCE_DIR

First it proves on small bad trees that it can fail.
"""

import os
import re
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]

import rules  # noqa: E402
from tap import Tap  # noqa: E402

ROOTS = ("include", "lib", "daemons", "tests", "examples")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
# Comments and literals, longest first, so that a quote inside a comment and the reverse do no harm.
NOT_CODE = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)
CALL = re.compile(r"(?<![\w.>])([A-Za-z_]\w*)[ \t\n]*\(")


def blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def strip_comments(text):
    return NOT_CODE.sub(lambda m: m.group(0) if m.group(0)[0] in "\"'" else blank(m), text)


def strip_to_code(text):
    return NOT_CODE.sub(blank, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def c_files(root):
    for top in ROOTS:
        for folder, _, names in os.walk(os.path.join(root, top)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(folder, name), root)


def owner_of(header):
    """Part that owns <segs/NAME.h>, or None."""
    name = header.removeprefix("segs/").removesuffix(".h")
    for part, names in rules.PUBLIC_HEADERS.items():
        if name in names:
            return part
    return None


def is_c_header(header):
    return header.endswith(".h") and header[:-2] in rules.C_HEADERS


def matches(header, patterns):
    return any(header == p or (p.endswith("/") and header.startswith(p)) for p in patterns)


def resolve(path, kind, header):
    """A quoted include relative to the file's folder, as a path inside the tree."""
    return os.path.normpath(os.path.join(os.path.dirname(path), header)) if kind == '"' else None


def judge_public(path, kind, header):
    if kind == "<" and header in ("stddef.h", "stdint.h", "stdbool.h"):
        return None
    if kind == '"' or not header.startswith("segs/"):
        return "a public header includes only <segs/...>, <stddef.h>, <stdint.h> and <stdbool.h>"
    user, owner = owner_of(path.removeprefix("include/")), owner_of(header)
    if path.endswith("/segs.h"):
        return None
    if user is None or owner is None:
        return f"<{header}> or this file has no owner in rules.PUBLIC_HEADERS"
    if owner in ("shared", user) or owner in rules.LIB_PARTS.get(user, ()):
        return None
    return f"a header of {user} must not use {owner}"


def judge_lib(root, path, kind, header):
    part = path.split("/")[1]
    if part not in rules.LIB_PARTS:
        return f"lib/{part} is not in rules.LIB_PARTS"
    allowed = (part, *rules.LIB_PARTS[part])
    if header.startswith("segs/"):
        owner = owner_of(header)
        if owner is None:
            return f"<{header}> has no owner in rules.PUBLIC_HEADERS"
        return None if owner == "shared" or owner in allowed else f"lib/{part} must not use {owner}"
    if kind == '"':
        beside = resolve(path, kind, header)
        target = beside if os.path.exists(os.path.join(root, beside)) else "lib/" + header
        owner = target.split("/")[1] if target.startswith("lib/") else target
        return None if owner in allowed else f"lib/{part} must not use {owner}"
    third_party = (*rules.LIB_THIRD_PARTY.get(part, ()), *rules.LIB_INTRINSICS.get(path, ()))
    if is_c_header(header) or matches(header, third_party):
        return None
    return f"lib/{part} must not need <{header}>"


def judge_runtime(path, header):
    inside = path.removeprefix("daemons/runtime/")
    for library, files in rules.ADAPTERS.items():
        if matches(header, (library,)):
            return None if inside in files else f"only {', '.join(files) or 'nobody'} may use <{header}>"
    return None


def judge_daemon(root, path, kind, header):
    service = path.split("/")[1]
    if kind == "<":
        if header.startswith("segs/"):
            return None if owner_of(header) or header == "segs/segs.h" else f"<{header}> has no owner in the rules"
        if service == "runtime":
            return judge_runtime(path, header)
        if any(matches(header, (library,)) for library in rules.ADAPTERS):
            return f"a service reaches <{header}> only through daemons/runtime"
        return None
    beside = resolve(path, kind, header)
    if header.startswith("../") or os.path.exists(os.path.join(root, beside)):
        target = beside
    else:  # -Idaemons and -Idaemons/runtime
        target = "daemons/" + header
        if not os.path.exists(os.path.join(root, target)):
            target = "daemons/runtime/" + header
    if not target.startswith("daemons/"):
        return "a daemon uses installed headers only"
    carried = rules.CARRIERS.get(target.removeprefix("daemons/runtime/"))
    if carried and not path.removeprefix("daemons/runtime/").startswith(carried):
        return f"only {', '.join(carried)} of the runtime may use {target}"
    owner = target.split("/")[1]
    if owner in (service, "runtime") or service in rules.COMPOSERS:
        return None
    return f"daemons/{service} must not use daemons/{owner}"


def judge_include(root, path, kind, header):
    top = path.split("/")[0]
    if top == "include":
        return judge_public(path, kind, header)
    if top == "lib":
        return judge_lib(root, path, kind, header)
    if top == "daemons":
        return judge_daemon(root, path, kind, header)
    if top == "examples":
        internal = kind == '"' and not os.path.exists(os.path.join(root, resolve(path, kind, header)))
        return "an example uses installed headers only" if internal else None
    return None


def judge_call(path, name):
    top = path.split("/")[0]
    if name in rules.BANNED_CALLS:
        return f"{name}: {rules.BANNED_CALLS[name]}"
    if top != "tests" and name in rules.BANNED_OUTSIDE_TESTS:
        return f"{name}: {rules.BANNED_OUTSIDE_TESTS[name]}"
    if top == "lib" and name in rules.PURE_FORBIDDEN:
        return f"{name}: the library is pure"
    if top == "lib" and name in rules.HEAP_CALLS and path.removeprefix("lib/") not in rules.HEAP_FILES:
        return f"{name}: memory comes through the caller's allocator"
    return None


def findings(root):
    includes, calls = [], []
    for path in c_files(root):
        with open(os.path.join(root, path), encoding="utf-8") as file:
            text = file.read()
        commentless = strip_comments(text)
        for match in INCLUDE.finditer(commentless):
            why = judge_include(root, path, match.group(1), match.group(2))
            if why:
                includes.append(f"{path}:{line_of(text, match.start(1))}: {match.group(2)}: {why}")
        for match in CALL.finditer(strip_to_code(text)):
            why = judge_call(path, match.group(1))
            if why:
                calls.append(f"{path}:{line_of(text, match.start(1))}: {why}")
    return includes, calls


def adapter_findings(root):
    """Adapters named in the rules exist; a rule about a file that is gone would guard nothing."""
    gone = []
    for library, files in rules.ADAPTERS.items():
        for file in files:
            path = os.path.join(root, "daemons/runtime", file)
            if file not in rules.PLANNED_ADAPTERS and not os.path.exists(path):
                gone.append(f"daemons/runtime/{file}, named for <{library}>, does not exist")
    return gone


def one_file_findings(path, text):
    with tempfile.TemporaryDirectory() as root:
        os.makedirs(os.path.join(root, os.path.dirname(path)))
        with open(os.path.join(root, path), "w", encoding="utf-8") as file:
            file.write(text)
        includes, calls = findings(root)
    return includes + calls


BAD = (
    ("lib/base/x.c", "#include <openssl/evp.h>\n", "base needs libc alone"),
    ("lib/window/x.c", '#include "telemetry/telemetry_internal.h"\n', "window does not see telemetry"),
    ("lib/telemetry/x.c", "#include <curl/curl.h>\n", "telemetry does no I/O"),
    ("lib/auth/x.c", "#include <pthread.h>\n", "auth starts no thread"),
    ("lib/base/x.c", "#include <segs/not_in_the_table.h>\n", "an unowned public header is named"),
    ("lib/base/x.c", "int64_t f(void) { return time(NULL); }\n", "the library reads no clock"),
    ("lib/window/x.c", "void *f(void) { return malloc(1); }\n", "the library allocates through its hook"),
    ("include/segs/x.h", "#include <sys/types.h>\n", "public headers need ISO C alone"),
    ("include/segs/jwt.h", "#include <segs/decode.h>\n", "public headers keep to the layers too"),
    ("daemons/tariff/x.c", "#include <sqlite3.h>\n", "services reach engines through the runtime"),
    ("daemons/tariff/x.c", '#include "../../lib/base/base_internal.h"\n', "daemons see installed headers only"),
    ("daemons/runtime/log.c", '#include "db/sqlite_util.h"\n', "an engine's header is carried no further"),
    ("daemons/runtime/log.c", "#include <librdkafka/rdkafka.h>\n", "one adapter per engine"),
    ("daemons/tariff/x.c", "void f(char *d) { strcpy (d, d); }\n", "banned calls are found"),
    ("daemons/tariff/x.c", "void *f(void *o) { return cJSON_GetObjectItem(o, 0); }\n", "the case-blind getter is found"),
    ("daemons/tariff/x.c", 'void f(void) { setenv("A", "b", 1); }\n', "setenv is for tests"),
)
GOOD = (
    ("lib/base/x.c", "/* time(NULL) */ // malloc(1)\n", "comments are no calls"),
    ("lib/base/x.c", 'const char *t = "strcpy(a, b)";\n', "texts are no calls"),
    ("lib/base/x.c", "void f(struct s *s) { s->read(s); s->ops.write(s); }\n", "members are no libc calls"),
    ("lib/auth/x.c", "#include <openssl/evp.h>\n#include <segs/error.h>\n", "auth may use libcrypto"),
    ("tests/unit/x.c", 'void f(void) { setenv("A", "b", 1); }\n', "tests may set the environment"),
)


def self_test(tap):
    for path, text, name in BAD:
        tap.check(one_file_findings(path, text), f"self-test, must be refused: {name}")
    for path, text, name in GOOD:
        tap.none(one_file_findings(path, text), f"self-test, must be accepted: {name}")


def main(root):
    tap = Tap()
    self_test(tap)
    includes, calls = findings(root)
    tap.none(includes, "every include is one its layer may use")
    tap.none(calls, "no banned and no impure call")
    tap.none(adapter_findings(root), "every adapter named in the rules exists")
    return tap.done()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
