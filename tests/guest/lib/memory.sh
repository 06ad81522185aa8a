# SPDX-License-Identifier: GPL-2.0
#
# How much memory is in use.

# settle: waits for what is freed later (RCU, work queues), drops what is only cached, and has the
# allocator give up what it keeps for each CPU, which would count as in use.
settle() {
	for _ in 1 2 3; do
		sync
		echo 3 >/proc/sys/vm/drop_caches
		sleep 1
	done
	for cache in /sys/kernel/slab/*/shrink; do
		echo 1 >"$cache"
	done
}

# available: prints the KiB of memory that can be had. The pages that the page allocator keeps for
# each CPU are free too, some MiB now and none then, and MemAvailable is without them.
available() {
	awk '/^MemAvailable/ { kib += $2 }
		/^ +count:/ { kib += $2 * 4 }
		END { print kib }' /proc/meminfo /proc/zoneinfo
}
