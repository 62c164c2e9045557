#!/bin/bash
# Builds SEGS and starts it here: one command from a fresh checkout to a running grid.
#
#   ./start-segs.sh [--data DIR] [OPTION of `segs dev`]...
#
# Installs missing Debian packages (scripts/packages.sh, group build; SEGS_NO_INSTALL=1 leaves that
# out), builds into build/release, starts `segs dev` in the background on the data folder .segs, and
# shows where everything is once it is ready. The log is segs.log in the data folder. What runs there
# already is left running and shown. Exit status: 0 up, 1 it did not come up, 2 no build.
set -euo pipefail
caller=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"

data=$PWD/.segs
options=()
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help)
        sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]##*/}"
        exit 0
        ;;
    --data)
        data=${2:?--data needs a folder}
        shift
        ;;
    --data=*) data=${1#--data=} ;;
    *) options+=("$1") ;;
    esac
    shift
done
# A folder is meant as seen from where the command was given.
[ "${data:0:1}" = / ] || data=$caller/$data

segs=build/release/daemons/segs/segs

build() {
    local log=build/logs/start.log
    mkdir -p build/logs
    echo "building (log: $log)"
    cmake --preset release >"$log" 2>&1 &&
        cmake --build --preset release --target segs-command >>"$log" 2>&1 && return 0
    tail -20 "$log" >&2
    return 1
}

if [ "${SEGS_NO_INSTALL:-0}" != 1 ]; then
    scripts/packages.sh build || exit 2
fi
# The programs refuse SEGS_ variables that are no settings of theirs.
unset SEGS_NO_INSTALL
build || exit 2

if "$segs" status --data "$data" -o env >/dev/null 2>&1; then
    echo "already running:"
    exec "$segs" status --data "$data"
fi

mkdir -p "$data"
chmod 700 "$data"
# A session of its own, so that closing this terminal does not end it.
setsid --fork "$segs" dev --data "$data" "${options[@]}" >"$data/start.out" 2>"$data/segs.log" </dev/null

for _ in $(seq 300); do
    if "$segs" status --data "$data" -o env >/dev/null 2>&1; then
        cat "$data/start.out"
        echo "  Log                $data/segs.log"
        echo "  ./status-segs.sh tells how it is doing, ./stop-segs.sh stops it"
        exit 0
    fi
    # It says why before it ends; there is nothing to wait for then.
    if grep -q '^segs dev: ' "$data/segs.log"; then
        break
    fi
    sleep 0.1
done
echo "start-segs.sh: it did not come up; the end of $data/segs.log:" >&2
tail -5 "$data/segs.log" >&2
exit 1
