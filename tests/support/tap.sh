# Counts checks of a shell suite and prints them as TAP lines, which scripts/tally.py adds up.
#
#   . tests/support/tap.sh
#   check "the port answers" curl -fsS "$url"     # passes when the command exits 0
#   skip "metrics lint" "no promtool here"
#   tap_done                                      # exits 0, 1 on failures, 77 when all was skipped
n_passed=0
n_failed=0
n_skipped=0

check() {
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then
        n_passed=$((n_passed + 1))
        echo "ok $((n_passed + n_failed + n_skipped)) - $name"
    else
        n_failed=$((n_failed + 1))
        echo "not ok $((n_passed + n_failed + n_skipped)) - $name"
        printf '%s\n' "$output" | tail -20 | sed 's/^/# /'
    fi
}

skip() {
    n_skipped=$((n_skipped + 1))
    echo "ok $((n_passed + n_failed + n_skipped)) - $1 # SKIP $2"
}

tap_done() {
    echo "1..$((n_passed + n_failed + n_skipped))"
    [ "$n_failed" -eq 0 ] || exit 1
    [ "$n_passed" -gt 0 ] || exit 77
    exit 0
}
