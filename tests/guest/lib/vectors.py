# SPDX-License-Identifier: GPL-2.0
"""vectors.py DEVICE: writes a pattern to a disk, and reads it into pieces of memory of odd sizes."""

import mmap
import os
import sys

LENGTH = 8192
# The last eight bytes in one piece, in two, and in eight of one dword each as far as the block layer
# takes that. Offsets are from the start of the memory.
SPLITS = ([LENGTH], [4096, 4096], [512, 7680], [LENGTH - 4, 4], [LENGTH - 8, 4, 4], [LENGTH - 12, 8, 4])


def main():
    """Exit status 1 when something else is read."""
    fd = os.open(sys.argv[1], os.O_RDWR | os.O_DIRECT)
    pattern = mmap.mmap(-1, LENGTH)
    pattern.write(os.urandom(LENGTH))
    if os.pwrite(fd, pattern, 0) != LENGTH:
        sys.exit("short write")
    taken = 0
    for split in SPLITS:
        memory = mmap.mmap(-1, LENGTH)
        memory.write(b"x" * LENGTH)
        view = memoryview(memory)
        pieces, start = [], 0
        for length in split:
            pieces.append(view[start:start + length])
            start += length
        try:
            count = os.preadv(fd, pieces, 0)
        except OSError:
            # The block layer wants larger pieces.
            continue
        taken += 1
        if count != LENGTH or memory[:] != pattern[:]:
            sys.exit(f"pieces {split}: read something else")
    if taken < 4:
        sys.exit(f"only {taken} of {len(SPLITS)} splits were possible")


main()
