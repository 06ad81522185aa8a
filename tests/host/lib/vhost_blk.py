# SPDX-License-Identifier: GPL-2.0
"""vhost_blk.py KIND SOCKET: a disk for QEMU's vhost-user-blk-pci that is odd in one way.

It has one split ring, does one request after the other, and keeps its data in memory. KIND is one of
LENGTHS, below: mostly what the device says about how much it has written.
"""

import array
import ctypes
import mmap
import os
import select
import socket
import struct
import sys

SECTOR = 512
SIZE = 40 << 20
# Of a disk that has less than it says.
HALF = SIZE // 2

IN, OUT, FLUSH, GET_ID = 0, 1, 4, 8
OK, IOERR, UNSUPP = 0, 1, 2
NEXT, WRITE, INDIRECT = 1, 2, 4

# SIZE_MAX (0), SEG_MAX (0 or not), BLK_SIZE, FLUSH; INDIRECT_DESC, protocol features, VERSION_1.
FEATURES = 1 << 1 | 1 << 2 | 1 << 6 | 1 << 9 | 1 << 28 | 1 << 30 | 1 << 32
# MQ, CONFIG.
PROTOCOL_FEATURES = 1 << 0 | 1 << 9

GET_FEATURES, SET_FEATURES, SET_MEM_TABLE = 1, 2, 5
SET_VRING_NUM, SET_VRING_ADDR, SET_VRING_BASE, GET_VRING_BASE = 8, 9, 10, 11
SET_VRING_KICK, SET_VRING_CALL = 12, 13
GET_PROTOCOL_FEATURES, GET_QUEUE_NUM, GET_CONFIG = 15, 17, 24

# Kind to what the device says it wrote of a request, given how many bytes of data it wrote and the
# number of requests so far.
LENGTHS = {
    # QEMU and others.
    "counts": lambda data, number: data + 1,
    # LKL.
    "zero": lambda data, number: 0,
    # bhyve, xhyve, ACRN.
    "one": lambda data, number: 1,
    # OpenBSD.
    "sixteen": lambda data, number: 16,
    # cloud-hypervisor to 51, libkrun, kvmtool; a flush is 0.
    "data": lambda data, number: data,
    # kvmtool's errors.
    "over": lambda data, number: 0xfffffffb,
    # A host that changes.
    "drifts": lambda data, number: data + 1 if number < 200 else 1,
    # Reads of the second half succeed, but bring nothing, and the length says so.
    "short": lambda data, number: data + 1,
    # The status has four bytes, as in Firecracker to 0.25.
    "wide": lambda data, number: data + 1,
    # At most one segment.
    "single": lambda data, number: data + 1,
}


class Memory:
    """The guest's memory."""

    def __init__(self):
        self.regions = []

    def set(self, payload, fds):
        """SET_MEM_TABLE."""
        count = struct.unpack_from("<I", payload)[0]
        self.regions = []
        for index in range(count):
            guest, size, user, offset = struct.unpack_from("<4Q", payload, 8 + 32 * index)
            self.regions.append((guest, user, size, offset, mmap.mmap(fds[index], offset + size)))
            os.close(fds[index])

    def find(self, address, length, is_user=False):
        """A view of guest memory."""
        for guest, user, size, offset, mapping in self.regions:
            start = address - (user if is_user else guest)
            if 0 <= start and start + length <= size:
                return memoryview(mapping)[offset + start:offset + start + length]
        raise ValueError(f"no memory at {address:#x}")


class Ring:
    """A split virtqueue."""

    def __init__(self, memory):
        self.memory = memory
        self.size = self.last = 0
        self.areas = None
        self.kick = self.call = -1
        self.addresses = ()

    def start(self):
        """Finds the areas."""
        desc, used, avail = self.addresses
        find = self.memory.find
        self.areas = (
            find(desc, 16 * self.size, True),
            find(avail, 4 + 2 * self.size, True),
            find(used, 4 + 8 * self.size, True),
        )

    def chains(self):
        """Takes what is available: heads and segments, which are (is writable, view)."""
        desc, avail, _ = self.areas
        while self.last != struct.unpack_from("<H", avail, 2)[0]:
            head = struct.unpack_from("<H", avail, 4 + 2 * (self.last % self.size))[0]
            self.last = (self.last + 1) & 0xffff
            yield head, list(self.segments(desc, head))

    def segments(self, table, index):
        """Follows a chain."""
        while True:
            address, length, flags, following = struct.unpack_from("<QIHH", table, 16 * index)
            if flags & INDIRECT:
                yield from self.segments(self.memory.find(address, length), 0)
                return
            yield flags & WRITE, self.memory.find(address, length), address
            if not flags & NEXT:
                return
            index = following

    def push(self, head, length):
        """Returns a chain."""
        used = self.areas[2]
        index = struct.unpack_from("<H", used, 2)[0]
        struct.pack_into("<II", used, 4 + 8 * (index % self.size), head, length)
        # In one store, after those above: x86 keeps the order.
        ctypes.c_uint16.from_buffer(used, 2).value = (index + 1) & 0xffff
        if not struct.unpack_from("<H", self.areas[1])[0] & 1:
            os.write(self.call, struct.pack("<Q", 1))


class Disk:
    """What is behind the ring."""

    def __init__(self, kind):
        self.kind = kind
        self.data = mmap.mmap(-1, SIZE)
        self.number = 0

    def config(self):
        """The configuration space: SIZE_MAX is 0, as in the export of qemu-storage-daemon."""
        seg_max = 0 if self.kind == "single" else 126
        return struct.pack("<QIIHBBI", SIZE // SECTOR, 0, seg_max, 0, 0, 0, SECTOR).ljust(64, b"\0")

    def serve(self, segments):
        """Does a request; returns the length to report."""
        header = segments[0][1]
        status, status_address = segments[-1][1:]
        kind, _, sector = struct.unpack_from("<IIQ", header)
        middle = segments[1:-1]
        if self.kind == "single" and len(middle) > 1:
            sys.exit("more than one segment")
        place = sector * SECTOR
        data = 0
        result = OK
        for writable, view, _ in middle:
            if kind == IN:
                if self.kind != "short" or place < HALF:
                    view[:] = self.data[place:place + len(view)]
                    data += len(view)
            elif kind == OUT:
                self.data[place:place + len(view)] = view[:]
            elif kind == GET_ID:
                view[:] = self.kind.encode().ljust(len(view), b"\0")
                data += len(view)
            place += len(view)
        if kind not in (IN, OUT, FLUSH, GET_ID):
            result = UNSUPP
        status[0] = result
        if self.kind == "wide":
            MEMORY.find(status_address, 4)[:] = bytes([result, 0xee, 0xee, 0xee])
        self.number += 1
        return LENGTHS[self.kind](data, self.number)


def receive(connection):
    """A message: request, payload, file descriptors."""
    fds = array.array("i")
    header, ancillary, _, _ = connection.recvmsg(12, socket.CMSG_SPACE(8 * fds.itemsize))
    if not header:
        sys.exit()
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(data)
    request, _, size = struct.unpack("<III", header)
    payload = b""
    while len(payload) < size:
        payload += connection.recv(size - len(payload))
    return request, payload, list(fds)


def handle(connection, ring, disk):
    """Answers one message."""
    request, payload, fds = receive(connection)
    reply = None
    if request == GET_FEATURES:
        reply = struct.pack("<Q", FEATURES)
    elif request == GET_PROTOCOL_FEATURES:
        reply = struct.pack("<Q", PROTOCOL_FEATURES)
    elif request == GET_QUEUE_NUM:
        reply = struct.pack("<Q", 1)
    elif request == GET_CONFIG:
        offset, size, flags = struct.unpack_from("<III", payload)
        reply = struct.pack("<III", offset, size, flags) + disk.config().ljust(offset + size, b"\0")[offset:offset + size]
    elif request == SET_MEM_TABLE:
        ring.memory.set(payload, fds)
    elif request == SET_VRING_NUM:
        ring.size = struct.unpack_from("<II", payload)[1]
    elif request == SET_VRING_ADDR:
        ring.addresses = struct.unpack_from("<3Q", payload, 8)
    elif request == SET_VRING_BASE:
        ring.last = struct.unpack_from("<II", payload)[1]
    elif request == GET_VRING_BASE:
        reply = struct.pack("<II", 0, ring.last)
        ring.areas, ring.kick = None, -1
    elif request == SET_VRING_KICK:
        ring.kick = fds[0]
        ring.start()
    elif request == SET_VRING_CALL and fds:
        ring.call = fds[0]
    if reply is not None:
        connection.sendall(struct.pack("<III", request, 5, len(reply)) + reply)


MEMORY = Memory()


def main():
    """Serves until QEMU leaves."""
    kind, path = sys.argv[1:]
    disk, ring = Disk(kind), Ring(MEMORY)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(1)
        connection, _ = listener.accept()
    while True:
        sources = [connection] + ([ring.kick] if ring.kick >= 0 else [])
        ready, _, _ = select.select(sources, [], [])
        if connection in ready:
            handle(connection, ring, disk)
        elif ring.areas:
            os.read(ring.kick, 8)
            for head, segments in ring.chains():
                ring.push(head, disk.serve(segments))


main()
