#!/bin/bash
# Builds everything, runs every test and ends with one line: "N passed, N failed, N skipped".
#
#   ./test-segs.sh [--quick] [--only REGEX]
#
#   --quick        release build only: no sanitizers, no clang-tidy
#   --only REGEX   only steps and tests whose name matches (extended regular expression)
#
# Missing Debian packages are installed first (scripts/packages.sh); SEGS_NO_INSTALL=1 leaves that
# out. Logs are in build/logs. Exit code 1 when anything failed.
#
# Tests are found, not listed: CTest registers unit tests, fuzz corpora and gates;
# tests/**/test_*.py, bindings/**/test_*.py and deploy/**/test_*.py run under pytest; each
# tests/system/test_*.sh is a suite that prints TAP (tests/support/tap.sh). System tests get the
# release build's folder in SEGS_BUILD_DIR and outside test data, when there, in SEGS_TESTDATA_DIR.
set -euo pipefail
cd "$(dirname "$0")"

quick=no
only=
while [ $# -gt 0 ]; do
    case $1 in
    --quick) quick=yes ;;
    --only)
        only=${2:?--only needs a regular expression}
        shift
        ;;
    -h | --help)
        sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "$0"
        exit 0
        ;;
    *)
        echo "test-segs.sh: unknown option '$1'; see --help" >&2
        exit 2
        ;;
    esac
    shift
done

root=$PWD
logs=$root/build/logs
rm -rf "$logs"
mkdir -p "$logs"
python=/usr/bin/python3
[ -x "$python" ] || python=python3
jobs=$(nproc)
export PYTHONDONTWRITEBYTECODE=1 CLICOLOR=0 CTEST_OUTPUT_ON_FAILURE=0
export UBSAN_OPTIONS=print_stacktrace=1
unset MAKEFLAGS

sum_passed=0
sum_failed=0
sum_skipped=0
started=$SECONDS

# ---- Counting ----

say() {
    printf '%-28s %s\n' "$1" "$2"
}

add() {
    sum_passed=$((sum_passed + $1))
    sum_failed=$((sum_failed + $2))
    sum_skipped=$((sum_skipped + $3))
}

# add_tally STEP SECONDS KIND FILE...: counts a result file and shows its failures and skips.
add_tally() {
    local step=$1 seconds=$2 report passed failed skipped
    shift 2
    report=$("$python" scripts/tally.py "$@") || report="0 1 0"
    read -r passed failed skipped <<<"$report"
    add "$passed" "$failed" "$skipped"
    say "$step" "$passed passed, $failed failed, $skipped skipped (${seconds} s)"
    tail -n +2 <<<"$report" | sed 's/^/    /'
}

wanted() {
    [ -z "$only" ] || grep -qE -- "$only" <<<"$1"
}

# one STEP LOG COMMAND...: a step that is one check; exit code 77 means skipped.
one() {
    local step=$1 log=$logs/$2.log status=0 before=$SECONDS
    shift 2
    "$@" >"$log" 2>&1 || status=$?
    case $status in
    0)
        add 1 0 0
        say "$step" "passed ($((SECONDS - before)) s)"
        ;;
    77)
        add 0 0 1
        say "$step" "skipped: $(tail -1 "$log")"
        ;;
    *)
        add 0 1 0
        say "$step" "FAILED ($((SECONDS - before)) s), log: ${log#"$root"/}"
        { grep -E ': (error|warning): ' "$log" || tail -n 20 "$log"; } | sed "s|$root/||" | cut -c1-200 |
            awk '!seen[$0]++' | head -n 40 | sed 's/^/    /'
        ;;
    esac
}

finish() {
    echo "in $((SECONDS - started)) s, logs in build/logs"
    echo "$sum_passed passed, $sum_failed failed, $sum_skipped skipped"
    # A run that tested nothing has not succeeded.
    [ "$sum_failed" -eq 0 ] && [ "$sum_passed" -gt 0 ] || exit 1
    exit 0
}

# ---- Building ----

# build TREE [CMAKE_ARGUMENT...]: configures by preset and builds all that can be built. A failure is counted and
# shown; the tests of the tree run all the same, and those without a program fail.
build() {
    local tree=$1 log=$logs/build-$1.log before=$SECONDS
    shift
    if cmake --preset "$tree" "$@" >"$log" 2>&1 &&
        cmake --build --preset "$tree" -j "$jobs" -- -k 0 >>"$log" 2>&1; then
        say "build $tree" "done ($((SECONDS - before)) s)"
        return 0
    fi
    add 0 1 0
    say "build $tree" "FAILED ($((SECONDS - before)) s), log: ${log#"$root"/}"
    grep -E -A4 '(error|Error|undefined reference)[: ]' "$log" | cut -c1-200 | head -40 | sed 's/^/    /' || true
    [ -f "build/$tree/CTestTestfile.cmake" ]
}

# The compiler of the sanitized tree: clang reports best, gcc is always there.
sanitizing_compiler() {
    local probe
    probe=$(mktemp -d)
    echo 'int main(void) { return 0; }' >"$probe/probe.c"
    if clang-14 -fsanitize=address,undefined -o "$probe/probe" "$probe/probe.c" 2>/dev/null && "$probe/probe"; then
        echo clang-14
    else
        echo gcc
    fi
    rm -rf "$probe"
}

# A tree configured for another compiler cannot be turned over; it is made anew.
drop_tree_of_other_compiler() {
    local cache=$root/build/$1/CMakeCache.txt
    if [ -f "$cache" ] && ! grep -qE "^CMAKE_C_COMPILER:[A-Z]+=(.*/)?$2\$" "$cache"; then
        rm -rf "$root/build/$1"
    fi
}

run_ctest() {
    local tree=$1 before=$SECONDS selection=()
    [ -z "$only" ] || selection=(-R "$only")
    ctest --test-dir "build/$tree" -j "$jobs" --no-tests=ignore --output-junit "$logs/ctest-$tree.xml" \
        --test-output-size-passed 4000000 --test-output-size-failed 4000000 "${selection[@]}" \
        >"$logs/ctest-$tree.log" 2>&1 || true
    add_tally "tests $tree" $((SECONDS - before)) ctest "$logs/ctest-$tree.xml"
}

# ---- Suites beside CTest ----

found_tests() {
    find tests bindings deploy -name "$1" -not -path '*/node_modules/*' -not -path '*/.*' 2>/dev/null | sort |
        { [ -z "$only" ] && cat || grep -E -- "$only" || true; }
}

run_pytest() {
    local before=$SECONDS files xml=$logs/pytest.xml
    mapfile -t files < <(found_tests 'test_*.py')
    [ ${#files[@]} -gt 0 ] || return 0
    if ! "$python" -m pytest --version >/dev/null 2>&1; then
        add 0 0 ${#files[@]}
        say "pytest" "skipped: ${#files[@]} files, no pytest for $python (package python3-pytest)"
        return 0
    fi
    env "${suite_env[@]}" timeout -k 10 1200 "$python" -m pytest -q -p no:cacheprovider --junit-xml="$xml" "${files[@]}" \
        >"$logs/pytest.log" 2>&1 || true
    add_tally "pytest" $((SECONDS - before)) pytest "$xml"
}

run_shell_suites() {
    local suite name status before
    while read -r suite; do
        [ -n "$suite" ] || continue
        name=$(basename "$suite" .sh)
        status=0
        before=$SECONDS
        env "${suite_env[@]}" timeout -k 10 300 bash "$suite" >"$logs/$name.log" 2>&1 || status=$?
        add_tally "$name" $((SECONDS - before)) tap "$logs/$name.log" "$status"
    done < <(found_tests 'test_*.sh')
}

# ---- Steps ----

c_sources() {
    git ls-files -z '*.c' '*.h' 2>/dev/null ||
        find include lib daemons tests examples -name '*.[ch]' -print0 2>/dev/null
}

check_format() {
    command -v clang-format-14 >/dev/null || { echo "no clang-format-14 here"; return 77; }
    local log=$logs/format-places.log
    c_sources | xargs -0 -r -n 16 -P "$jobs" clang-format-14 --dry-run --Werror 2>"$log" && return 0
    awk -F: '/error: code should be/ { places[$1]++ }
        END { for (file in places) print file ": error: " places[file] " places to format" }' "$log" | sort
    return 1
}

check_tidy() {
    command -v clang-tidy-14 >/dev/null || { echo "no clang-tidy-14 here"; return 77; }
    "$python" scripts/tidy/tidy.py build/release build/tidy-cache "$jobs"
}

no_install=${SEGS_NO_INSTALL:-0}
# To the programs under test every SEGS_ variable is a setting, and one they do not know is an error.
for name in $(compgen -e SEGS_); do
    unset "$name"
done
if [ "$no_install" != 1 ]; then
    scripts/packages.sh || {
        add 0 1 0
        finish
    }
fi

suite_env=("SEGS_BUILD_DIR=$root/build/release" "SEGS_SOURCE_DIR=$root")
[ ! -d "$root/../shared/testdata" ] || suite_env+=("SEGS_TESTDATA_DIR=$root/../shared/testdata")

! wanted format || one "format" format check_format
drop_tree_of_other_compiler release gcc
if build release -DCMAKE_C_COMPILER=gcc; then
    run_ctest release
    run_pytest
    run_shell_suites
    if [ "$quick" = no ] && wanted tidy; then
        one "tidy" tidy check_tidy
    fi
fi
if [ "$quick" = no ]; then
    compiler=$(sanitizing_compiler)
    drop_tree_of_other_compiler asan "$compiler"
    if build asan -DCMAKE_C_COMPILER="$compiler"; then
        run_ctest asan
    fi
fi
finish
