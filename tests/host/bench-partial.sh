#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A guest that dies while it is measured leaves no number behind. What was measured before is kept, and
# marked as partial.
#
# timeout: 600
# full: yes

fail() {
	echo "FAIL: $*"
	cat out err
	exit 1
}

# running PARENT: prints the process of QEMU among the descendants of PARENT, which has to be there.
running() {
	ps -e -o pid= -o ppid= -o comm= | awk -v top="$1" '
		{ parent[$1] = $2; name[$1] = $3 }
		END {
			for (pid in name)
				if (name[pid] ~ /^qemu-system/)
					for (up = pid; up in parent; up = parent[up])
						if (up == top) { print pid; found = 1 }
			exit !found
		}'
}

"$REPO/tools/vm" bench --quick --json results.json accesses footprint >out 2>err &
bench=$!
until grep -q '^footprint: .*\.\.\.$' err; do
	kill -0 $bench || fail "the measurement ended before its second group"
	sleep 0.2
done
until qemu=$(running $bench); do
	kill -0 $bench || fail "the measurement ended without a guest for its second group"
	sleep 0.2
done
kill -KILL "$qemu"
wait $bench
status=$?
[ $status -eq 1 ] || fail "the exit status is $status, not 1"
grep -q 'footprint: .* failed' err || fail "it is not said what failed"
grep -q '^PARTIAL' out || fail "the table is not marked"
python3 - <<'EOF' || fail "the results are not those before the guest died: $(cat results.json)"
import json
results = json.load(open("results.json"))
assert len(results["accesses"]) == 4
assert results["footprint"] is None
[missing] = results["missing"]
assert missing.startswith("Footprint: ")
EOF

# What cannot be saved is not measured.
"$REPO/tools/vm" bench --json no-such-directory/results.json footprint >out 2>err &&
	fail "succeeded, and saved nothing"
grep -q 'footprint: ' err && fail "it was measured all the same"
grep -q no-such-directory err || fail "it is not said what cannot be written"
