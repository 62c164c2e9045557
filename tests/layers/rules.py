"""Who may include and call what: the layer table of docs/architecture.md as data.

A new file needs no entry; a new public header, service or adapter does, on purpose.
"""

C_HEADERS = frozenset(
    "assert ctype errno float inttypes limits math stdalign stdarg stdbool stddef stdint stdio stdlib string".split()
)

# Which part of the library a public header belongs to. `reading` is the struct that parts share.
PUBLIC_HEADERS = {
    "shared": {"export", "error", "memory", "version", "reading"},
    "base": {"fixed", "hash", "intern", "time", "zone"},
    "telemetry": {"decode", "encode", "validate"},
    "window": {"rollup", "window"},
    "tariff": set(),
    "anomaly": set(),
    "auth": {"jwk", "jwt", "password", "role", "token"},
}

# part of lib/ -> other parts whose public and internal headers it may include
LIB_PARTS = {
    "base": (),
    "telemetry": ("base",),
    "window": ("base",),
    "tariff": ("base",),
    "anomaly": ("base",),
    "auth": ("base",),
}
LIB_THIRD_PARTY = {"auth": ("cjson/cJSON.h", "openssl/", "crypt.h")}
# Vector instructions: each in the one file that is compiled for them.
LIB_INTRINSICS = {
    "lib/telemetry/fast_sse2.c": ("emmintrin.h",),
    "lib/telemetry/fast_avx2.c": ("immintrin.h",),
}

# Third-party header -> the files of daemons/runtime that may include it.
ADAPTERS = {
    "librdkafka/": ("bus/kafka.c",),
    "libpq-fe.h": ("db/postgres.c",),
    "hiredis/": ("cache/redis.c",),
    "sqlite3.h": ("db/sqlite_util.h",),
    "civetweb.h": ("http_civetweb.c",),
    "curl/": ("httpc_curl.c",),
    "cjson/": ("json.c",),
    "openssl/": (),
    "zlib.h": ("http_body.c",),
    "crypt.h": (),
}

# Headers of the runtime that carry a third-party one -> the folders and files that may include them.
CARRIERS = {"db/sqlite_util.h": ("db/", "bus/")}

# The library does no I/O, reads no clock, starts no thread, knows no locale and ends no process.
# Time and randomness are arguments; memory comes through the caller's allocator.
PURE_FORBIDDEN = frozenset(
    """printf fprintf vprintf vfprintf puts putchar fputs fputc fopen fdopen freopen fread fwrite fgets getline
    scanf sscanf fscanf open read write close socket connect send recv ioctl mmap stat
    time clock clock_gettime gettimeofday localtime localtime_r gmtime gmtime_r mktime timegm strftime strptime tzset
    nanosleep usleep sleep rand srand random srandom getrandom getentropy RAND_bytes
    pthread_create pthread_mutex_lock pthread_once thrd_create mtx_lock fork signal sigaction
    setlocale strtod strtof strtold strcoll getenv secure_getenv exit _exit abort atexit perror strerror syslog
    alloca""".split()
)
HEAP_CALLS = frozenset("malloc calloc realloc free strdup strndup aligned_alloc posix_memalign".split())
# Files of lib/ that may touch the heap themselves: where the default allocator lives.
HEAP_FILES = {"base/memory.c"}

# Nowhere in C code of ours. Each has a safe counterpart in the tree.
BANNED_CALLS = {
    "gets": "unbounded",
    "tmpnam": "race",
    "mktemp": "race",
    "cJSON_GetObjectItem": "ignores case",
    "cJSON_HasObjectItem": "ignores case",
    "mg_handle_form_request": "endless loop on a NUL byte in Debian 12's civetweb",
}
# A test program has one thread, chooses its own inputs and runs under the address sanitizer as well.
BANNED_OUTSIDE_TESTS = {
    "strcpy": "unbounded",
    "stpcpy": "unbounded",
    "strcat": "unbounded",
    "sprintf": "unbounded",
    "vsprintf": "unbounded",
    "strtok": "hidden state",
    "atoi": "no error",
    "atol": "no error",
    "atoll": "no error",
    "atof": "no error",
    "setenv": "not thread-safe",
    "putenv": "not thread-safe",
    "unsetenv": "not thread-safe",
    "system": "runs a shell",
    "popen": "runs a shell",
}

# Folders of daemons/ that put services together and so may include each of them.
COMPOSERS = {"segs"}
# Adapters of the deployment that the embedded mode does not need; their place is reserved.
PLANNED_ADAPTERS = {"bus/kafka.c", "db/postgres.c", "cache/redis.c"}
