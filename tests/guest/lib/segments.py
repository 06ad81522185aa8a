# SPDX-License-Identifier: GPL-2.0
#
# segments.py DISK zeroes|data: requests of as many segments as the disk takes, many at a time, and
# some of all numbers around that for which each request has memory of its own, which is 17.
#
# zeroes: reads from a disk that holds nothing else, slowly. data: writes, and reads what was written.

import mmap
import os
import sys
import threading
import time

PIECE = 512
PAGE = 4096
FILL = 0xA5
THREADS = 40
ROUNDS = 3
NUMBERS = [1, 2, 15, 16, 17, 18, 19, 20]
# What takes longer than a request, such as looking at its data, is done before or after all of them.
together = threading.Barrier(THREADS)


class Scattered:
    """Pieces of memory of which no two are side by side, so that each is a segment."""

    def __init__(self, count):
        self.memory = mmap.mmap(-1, count * PAGE)
        self.view = memoryview(self.memory)
        self.pieces = [self.view[at : at + PIECE] for at in range(0, count * PAGE, PAGE)]

    def fill(self):
        self.view[:] = bytes([FILL]) * len(self.view)

    def put(self, data):
        for at, piece in enumerate(self.pieces):
            piece[:] = data[at * PIECE : (at + 1) * PIECE]

    def get(self):
        return b"".join(self.pieces)

    def gaps_are_untouched(self):
        gap = bytes([FILL]) * (PAGE - PIECE)
        return all(
            self.view[at + PIECE : at + PAGE] == gap for at in range(0, len(self.view), PAGE)
        )


def zeroes(fd, scattered, at, length):
    for _ in range(ROUNDS):
        scattered.fill()
        together.wait()
        expect(os.preadv(fd, scattered.pieces, at) == length, "a short read")
        together.wait()
        expect(scattered.get() == bytes(length), "the disk holds zeroes, which were not read")
        expect(scattered.gaps_are_untouched(), "memory between the pieces was written")


def data(fd, scattered, at, length):
    straight = mmap.mmap(-1, length)
    for _ in range(ROUNDS):
        wanted = os.urandom(length)
        scattered.put(wanted)
        expect(os.pwritev(fd, scattered.pieces, at) == length, "a short write")
        expect(os.preadv(fd, [straight], at) == length, "a short read")
        expect(straight[:] == wanted, "what was written in pieces is not on the disk")
        scattered.fill()
        expect(os.preadv(fd, scattered.pieces, at) == length, "a short read")
        expect(scattered.get() == wanted, "what was read in pieces is not on the disk")
        expect(scattered.gaps_are_untouched(), "memory between the pieces was written")


def expect(condition, otherwise):
    if not condition:
        raise AssertionError(otherwise)


def main(disk, work):
    with open(f"/sys/block/{disk}/queue/max_segments") as file:
        segments = int(file.read())
    fd = os.open(f"/dev/{disk}", os.O_RDWR | os.O_DIRECT)
    failures = []

    def run(number):
        count = NUMBERS[number] if number < len(NUMBERS) else segments
        try:
            work(fd, Scattered(count), number * segments * PIECE, count * PIECE)
        except (AssertionError, OSError, threading.BrokenBarrierError) as error:
            failures.append(str(error) or "another thread has failed")
            together.abort()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    most = 0
    while any(thread.is_alive() for thread in threads):
        with open(f"/sys/block/{disk}/inflight") as file:
            most = max(most, sum(map(int, file.read().split())))
        time.sleep(0.01)
    print(f"{segments} segments a request, up to {most} requests in flight")
    if failures:
        sys.exit(f"FAIL: {failures[0]} ({len(failures)} threads)")
    if segments < 64 or (work is zeroes and most <= 16):
        sys.exit("FAIL: the requests were too small or too few")


main(sys.argv[1], {"zeroes": zeroes, "data": data}[sys.argv[2]])
