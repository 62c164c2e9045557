#!/bin/bash
# Stops what ./start-segs.sh started, and nothing else: by the process number in the data folder, after
# checking that it is still that process. The data stays.
#
#   ./stop-segs.sh [--purge [--yes]] [--data DIR]
#
#   --purge   delete the data folder afterwards; asks first, --yes does not
#
# Exit status: 0 stopped or nothing was running, 1 it did not end or you said no, 2 it could not try.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

segs=$root/build/release/daemons/segs/segs
if [ ! -x "$segs" ]; then
    echo "not built yet, so nothing runs"
    exit 0
fi
status=0
"$segs" down --data "$root/.segs" "$@" || status=$?
[ $status -ne 3 ] || status=0
exit $status
