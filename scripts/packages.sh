#!/bin/bash
# Makes sure that the Debian packages of scripts/packages.txt are installed.
#
#   scripts/packages.sh [--check] [GROUP...]     groups: build test (default: both)
#
# Installs only what is missing, and says what. A package of the group build that cannot be had is
# an error (exit 1); one of the group test is named, and the checks that need it are skipped.
# --check installs nothing: exit 0 when all is there, otherwise 1 and the names that are missing.
set -euo pipefail
cd "$(dirname "$0")/.."

check_only=no
groups=()
for arg in "$@"; do
    case $arg in
    --check) check_only=yes ;;
    build | test) groups+=("$arg") ;;
    *)
        echo "packages.sh: expected --check, build or test, found '$arg'" >&2
        exit 2
        ;;
    esac
done
[ ${#groups[@]} -gt 0 ] || groups=(build test)

packages_of() {
    awk -v group="$1" '$1 == group { print $2 }' scripts/packages.txt
}

installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing_of() {
    local package
    for package in $(packages_of "$1"); do
        installed "$package" || echo "$package"
    done
}

apt_get() {
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "packages: not root and no sudo here; run as root: apt-get $*" >&2
            return 1
        fi
        as_root=(sudo)
    fi
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@"
}

# Newer lists are fetched once, and only when something is missing: the lists of a fresh machine are
# empty, and those of an old one name versions that mirrors no longer carry.
lists_updated=no
update_lists() {
    [ "$lists_updated" = no ] || return 0
    lists_updated=yes
    echo "packages: updating the package lists"
    apt_get update >"$log" 2>&1 || { tail -5 "$log" >&2; echo "packages: apt-get update failed" >&2; }
}

install_group() {
    local group=$1 package missing
    mapfile -t missing < <(missing_of "$group")
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$check_only" = yes ]; then
        echo "packages: missing ($group): ${missing[*]}"
        return 1
    fi
    update_lists
    echo "packages: installing ($group): ${missing[*]}"
    apt_get install --no-install-recommends "${missing[@]}" >"$log" 2>&1 && return 0
    # All at once failed; one by one, so that one unavailable package does not cost the others.
    for package in "${missing[@]}"; do
        apt_get install --no-install-recommends "$package" >"$log" 2>&1 || {
            grep -E '^E:' "$log" >&2 || tail -3 "$log" >&2
            echo "packages: cannot get $package ($group)" >&2
        }
    done
    [ -z "$(missing_of "$group")" ]
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "packages: not a Debian system; install by hand what these stand for:" \
        "$(packages_of build | tr '\n' ' ')" >&2
    [ "$check_only" = no ] || exit 1
    exit 0
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
for group in "${groups[@]}"; do
    if ! install_group "$group"; then
        if [ "$group" = build ] || [ "$check_only" = yes ]; then
            status=1
        else
            echo "packages: going on without; the checks that need them are skipped" >&2
        fi
    fi
done
if [ $status -ne 0 ] && [ "$check_only" = no ]; then
    echo "packages: the build cannot do without the packages above" >&2
fi
exit $status
