#!/bin/bash
# Proves that a fresh Debian 12 needs nothing but the two commands of the README.
#
#   sudo tests/fresh/run.sh             start, status, stop, then ./test-segs.sh --quick
#   sudo FULL=1 tests/fresh/run.sh      the whole ./test-segs.sh instead
#   sudo KEEP=1 tests/fresh/run.sh      leaves the folder behind and names it
#
# Makes a minimal Debian 12 with mmdebstrap in a temporary folder, puts a clean clone of HEAD into it
# and runs the commands there, in namespaces of their own: of this machine only the network is seen.
# How to reach package mirrors (sources, keys' names, proxies, certificates) is read from this machine.
# Exit code 0 when every command succeeded. Needs root, mmdebstrap, git and about 2 GB under TMPDIR.
set -euo pipefail
cd "$(dirname "$0")/../.."

release=bookworm
here=$PWD

die() {
    echo "fresh: $*" >&2
    exit 2
}

[ "$(id -u)" -eq 0 ] || die "needs root, for chroot"
for tool in mmdebstrap git unshare; do
    command -v "$tool" >/dev/null || die "needs $tool"
done

work=$(mktemp -d)
system=$work/system
cleanup() {
    if [ "${KEEP:-0}" = 1 ]; then
        echo "fresh: left in $work"
    else
        rm -rf --one-file-system "$work"
    fi
}
trap cleanup EXIT

step() {
    local name=$1 before=$SECONDS status=0
    shift
    echo "fresh: $name"
    "$@" || status=$?
    echo "fresh: $name: exit $status after $((SECONDS - before)) s"
    return $status
}

# ---- A fresh system ----

machine_sources() {
    local file
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
        # Third parties' archives do not belong to a fresh Debian.
        if [ -f "$file" ] && grep -qE "(^|[ :])$release( |\$)" "$file"; then
            grep -v '^#' "$file"
            echo
        fi
    done
}

# Only what concerns reaching a mirror; everything else stays as Debian ships it.
machine_apt_options() {
    apt-config dump | grep -E '^Acquire::(http|https|Check-|Retries|ForceIPv)' | grep -v '"";$' || true
}

make_system() {
    local sources=$work/sources options=()
    machine_sources >"$sources"
    [ -s "$sources" ] || die "this machine's apt knows no source of $release"
    machine_apt_options >"$work/apt.conf"
    options=(--aptopt="$work/apt.conf")
    mmdebstrap --quiet --variant=minbase --include=ca-certificates "${options[@]}" "$release" "$system" "$sources"
}

copy_network_settings() {
    cp -L /etc/resolv.conf /etc/hosts "$system/etc/"
    if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
        cp /usr/local/share/ca-certificates/*.crt "$system/usr/local/share/ca-certificates/"
        chroot "$system" update-ca-certificates >/dev/null 2>&1
    fi
}

clone() {
    git clone --quiet --no-hardlinks "file://$here" "$system/root/segs"
}

# ---- Commands in it ----

# The new process tree ends with its first process, so nothing outlives a step but what is on disk;
# therefore start, status and stop share one step.
inside() {
    local variables=(PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8) name
    for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
        [ -z "${!name:-}" ] || variables+=("$name=${!name}")
    done
    unshare --mount --pid --ipc --uts --fork --kill-child -- /bin/bash -euc '
        system=$1
        shift
        mount --make-rprivate /
        mount -t proc proc "$system/proc"
        mkdir -p "$system/dev/shm"
        mount -t tmpfs tmpfs "$system/dev/shm"
        mount -t tmpfs tmpfs "$system/tmp"
        exec chroot "$system" /usr/bin/env -i "$@"' inside \
        "$system" "${variables[@]}" /bin/bash -c "cd /root/segs && $1"
}

failed=0
step "make a minimal Debian 12" make_system || die "no system"
copy_network_settings
step "clone HEAD ($(git rev-parse --short HEAD))" clone || die "no clone"
if [ -x "$system/root/segs/start-segs.sh" ]; then
    step "./start-segs.sh, ./status-segs.sh, ./stop-segs.sh" inside \
        './start-segs.sh && ./status-segs.sh && ./stop-segs.sh' || failed=1
else
    echo "fresh: NOT TRIED: ./start-segs.sh is not in this commit"
fi
tests=./test-segs.sh
[ "${FULL:-0}" = 1 ] || tests+=' --quick'
step "$tests" inside "$tests" || failed=1
[ $failed -eq 0 ] && echo "fresh: everything succeeded" || echo "fresh: something failed"
exit $failed
