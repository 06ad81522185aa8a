# SPDX-License-Identifier: GPL-2.0
#
# Finds memory that is lost round by round. Sourced after common.sh.

# Caches whose sizes follow what user space did: the files it has seen, the signals it was sent.
NOISE='.*inode_cache|dentry|sigqueue|ext4_.*|jbd2_.*|kernfs_node_cache|lsm_inode_cache|buffer_head|radix_tree_node'

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

# objects: prints cache and number of its objects in use, without noise.
objects() {
	settle
	awk 'NR > 2 { print $1, $2 }' /proc/slabinfo | grep -Ev "^($NOISE) "
}

remember_objects() {
	objects >/tmp/objects
	free_before=$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)
}

# expect_no_leak ROUNDS: fails when a cache has grown by an object in each round, or when 16 MiB of
# memory, in caches or not, are gone.
expect_no_leak() {
	objects >/tmp/objects.now
	grown=$(awk -v rounds="$1" 'NR == FNR { before[$1] = $2; next }
		$2 - before[$1] >= rounds { print $1 ": " before[$1] + 0 " -> " $2 }' /tmp/objects /tmp/objects.now)
	[ -z "$grown" ] || fail "caches have grown in $1 rounds: $grown"
	lost=$((free_before - $(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)))
	echo "memory: $lost KiB less in $1 rounds"
	[ $lost -lt 16384 ] || fail "$lost KiB of memory are gone in $1 rounds"
}
