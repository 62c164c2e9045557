#!/bin/bash
# Tells how what ./start-segs.sh started is doing.
#
#   ./status-segs.sh [OPTION of `segs status`]...      --json, --watch, -o env, --data DIR
#
# Exit status: 0 all up, 1 something is degraded, 2 it could not look, 3 not running.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

segs=$root/build/release/daemons/segs/segs
if [ ! -x "$segs" ]; then
    echo "not built yet: ./start-segs.sh builds and starts SEGS"
    exit 3
fi
exec "$segs" status --data "$root/.segs" "$@"
