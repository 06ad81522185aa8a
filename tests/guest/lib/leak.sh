# SPDX-License-Identifier: GPL-2.0
#
# Finds memory that is lost round by round. Sourced after common.sh.

. /host/guest/lib/memory.sh

# Caches whose sizes follow what user space did: the files it has seen, the signals it was sent, the
# stacks of its threads (given back late), the bios that each CPU keeps, the samples of DAMON, with
# the C drivers as with ours; and the nodes of its address spaces, which are freed 32 at a time: fifty
# rounds have left 35 fewer, and 58 more. (A lost interrupt has a node too, but would show elsewhere.)
# What processes map is theirs too: udev's, which come and go with uevents, have left 194 more links
# from mappings to pages.
# The guest needs slab_nomerge, or a cache goes by the name of another one that has objects of the
# same size.
NOISE='.*inode_cache|dentry|sigqueue|ext4_.*|jbd2_.*|kernfs_node_cache|buffer_head|radix_tree_node|vmap_area|bio-.*|damon_region|maple_node|vm_area_struct|anon_vma|anon_vma_chain'

grep -q slab_nomerge /proc/cmdline || fail "the guest was booted without slab_nomerge"

# objects: prints cache and number of its objects in use, without noise.
objects() {
	settle
	awk 'NR > 2 { print $1, $2 }' /proc/slabinfo | grep -Ev "^($NOISE) "
}

# remember_memory NUMBER: before the rounds 1, after half of them 2.
remember_memory() {
	objects >/tmp/objects."$1"
	available >/tmp/available."$1"
}

# repeat ROUNDS COMMAND: runs the command ROUNDS times, and fails when there is less memory each time.
# Fewer than twenty show nothing of memory: what user space does in some of them is as much.
repeat() {
	if [ "$1" -lt 20 ]; then
		run_times "$1" "$2"
		return
	fi
	# What is allocated once is allocated by the first three.
	run_times 3 "$2"
	remember_memory 1
	run_times $(($1 / 2)) "$2"
	remember_memory 2
	run_times $(($1 / 2)) "$2"
	expect_no_leak $(($1 / 2))
}

run_times() {
	left=$1
	while [ "$left" -gt 0 ]; do
		"$2"
		left=$((left - 1))
	done
}

# expect_no_leak ROUNDS: fails when a cache has grown by an object in each of the first ROUNDS and
# again in each of the second. (A slab more, once, may only be one that is half empty.) Fails too
# when 4 MiB of memory, in caches or not, are gone after the first and again after the second.
expect_no_leak() {
	remember_memory 3
	grown=$(awk -v rounds="$1" 'FNR == 1 { file++ }
		{ used[$1, file] = $2 }
		file == 3 && used[$1, 2] - used[$1, 1] >= rounds && $2 - used[$1, 2] >= rounds {
			print $1 ": " used[$1, 1] + 0 " -> " used[$1, 2] " -> " $2
		}' /tmp/objects.1 /tmp/objects.2 /tmp/objects.3)
	[ -z "$grown" ] || fail "caches have grown in twice $1 rounds: $grown"
	first=$(($(cat /tmp/available.1) - $(cat /tmp/available.2)))
	second=$(($(cat /tmp/available.2) - $(cat /tmp/available.3)))
	lost="$first KiB in $1 rounds and $second KiB in $1 more"
	echo "memory gone: $lost"
	[ $first -lt 4096 ] || [ $second -lt 4096 ] || fail "memory is gone: $lost"
}
