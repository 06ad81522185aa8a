# SPDX-License-Identifier: GPL-2.0
"""vectors.py DEVICE: writes a pattern to a disk, and reads it into pieces of memory of all sizes."""

import mmap
import os
import sys

LENGTH = 8192
# The block layer wants whole sectors.
SPLITS = ([LENGTH], [4096, 4096], [512, 7680], [7680, 512], [512] * 16, [3584, 1024, 3584])


def main():
    """Exit status 1 when something else is read."""
    fd = os.open(sys.argv[1], os.O_RDWR | os.O_DIRECT)
    pattern = mmap.mmap(-1, LENGTH)
    pattern.write(os.urandom(LENGTH))
    if os.pwrite(fd, pattern, 0) != LENGTH:
        sys.exit("short write")
    for split in SPLITS:
        memory = mmap.mmap(-1, LENGTH)
        memory.write(b"x" * LENGTH)
        view = memoryview(memory)
        pieces, start = [], 0
        for length in split:
            pieces.append(view[start:start + length])
            start += length
        if os.preadv(fd, pieces, 0) != LENGTH or memory[:] != pattern[:]:
            sys.exit(f"pieces {split}: read something else")


main()
