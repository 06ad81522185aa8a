# SPDX-License-Identifier: GPL-2.0
#
# Sockets that receive into and send from their own memory (AF_XDP), bound to the first queue of an interface:
#
# both NEAR FAR copy|zero-copy|any: frames of one type that FAR, in the network namespace "peer", sends arrive in
# the memory of a socket at NEAR, those of other types do not; what the socket sends arrives at FAR. Prints
# whether frames are copied.
# serve NEAR FILE [wakeless|plain]: frames of that type are sent back, or, with no program, none. Writes FILE when
# it does so, and ends when that is gone.
# echo NEAR FAR COUNT: frames that FAR sends come back from that.
# refused NEAR CHUNK HEADROOM: prints why memory in such pieces cannot be bound without copies.
#
# Ends with status 1 and a line that says what was wrong.

import ctypes
import errno
import mmap
import os
import select
import socket
import struct
import sys
import time

from net import WAIT, fail, there
from xdp import KIND, MARK, attach, bpf, call, counters, insn, libc, load, move, packet_socket, pin, receive, swapped

AF_XDP, SOL_XDP = 44, 283
MMAP_OFFSETS, RX_RING, TX_RING, UMEM_REG, FILL_RING, COMPLETION_RING, STATISTICS, OPTIONS = range(1, 9)
COPY, ZEROCOPY, NEED_WAKEUP = 2, 4, 8
PLACES = {RX_RING: 0, TX_RING: 0x80000000, FILL_RING: 0x100000000, COMPLETION_RING: 0x180000000}
MAP_CREATE, MAP_UPDATE, TYPE_XSKMAP, REDIRECT_MAP = 0, 2, 17, 51
R1, R2, R3, R6 = 1, 2, 3, 6
COUNT, CHUNK = 256, 2048


class Ring:
    """One of the four, of COUNT elements that SIZE bytes each."""

    def __init__(self, end, kind, offsets, size):
        self.producer_at, self.consumer_at, self.desc, self.flags_at = offsets
        self.map = mmap.mmap(end.fileno(), self.desc + COUNT * size, offset=PLACES[kind])
        self.size = size
        at = lambda offset: ctypes.c_uint32.from_buffer(self.map, offset)
        self.producer, self.consumer, self.flags = at(self.producer_at), at(self.consumer_at), at(self.flags_at)

    def put(self, elements):
        """Adds what there is room for by construction: there are never more than COUNT."""
        number = self.producer.value
        for element in elements:
            at = self.desc + (number % COUNT) * self.size
            self.map[at : at + self.size] = element
            number = (number + 1) & 0xFFFFFFFF
        self.producer.value = number

    def take(self):
        number, end = self.consumer.value, self.producer.value
        found = []
        while number != end:
            at = self.desc + (number % COUNT) * self.size
            found.append(self.map[at : at + self.size])
            number = (number + 1) & 0xFFFFFFFF
        self.consumer.value = number
        return found

    def wants_wakeup(self):
        return self.flags.value & 1


class Socket:
    """Its first COUNT pieces are received into at first, and COUNT others are there to be sent."""

    def __init__(self, interface, flags, chunk=CHUNK, headroom=0):
        self.flags = flags
        self.memory = mmap.mmap(-1, 2 * COUNT * chunk)
        self.end = socket.socket(AF_XDP, socket.SOCK_RAW)
        address = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        self.end.setsockopt(SOL_XDP, UMEM_REG, struct.pack("QQIIII", address, len(self.memory), chunk, headroom, 0, 0))
        for kind in PLACES:
            self.end.setsockopt(SOL_XDP, kind, struct.pack("I", COUNT))
        words = struct.unpack("16Q", self.end.getsockopt(SOL_XDP, MMAP_OFFSETS, 128))
        sizes = {RX_RING: 16, TX_RING: 16, FILL_RING: 8, COMPLETION_RING: 8}
        rings = [Ring(self.end, kind, words[4 * at : 4 * at + 4], size) for at, (kind, size) in enumerate(sizes.items())]
        self.rx, self.tx, self.fill, self.completion = rings
        self.lend(piece * chunk for piece in range(COUNT))
        where = struct.pack("HHIII", AF_XDP, flags, socket.if_nametoindex(interface), 0, 0)
        # What the driver has done while it was closed by the one before could be going on.
        end = time.monotonic() + WAIT
        while libc.bind(self.end.fileno(), where, len(where)) < 0:
            error = ctypes.get_errno()
            if error != errno.EBUSY or time.monotonic() > end:
                raise OSError(error, os.strerror(error))
            time.sleep(0.05)

    def is_copied(self):
        return not struct.unpack("I", self.end.getsockopt(SOL_XDP, OPTIONS, 4))[0] & 1

    def lend(self, addresses):
        self.fill.put(struct.pack("Q", address) for address in addresses)

    def send(self, frames):
        """FRAMES are addresses and lengths."""
        self.tx.put(struct.pack("QII", address, length, 0) for address, length in frames)
        self.kick()

    def kick(self):
        if not self.flags & NEED_WAKEUP or self.tx.wants_wakeup():
            libc.sendto(self.end.fileno(), None, 0, socket.MSG_DONTWAIT, None, 0)

    def wake(self):
        if self.fill.wants_wakeup():
            libc.recvfrom(self.end.fileno(), None, 0, socket.MSG_DONTWAIT, None, None)

    def received(self):
        """Addresses and lengths."""
        return [struct.unpack("QII", element)[:2] for element in self.rx.take()]

    def completed(self):
        return [struct.unpack("Q", element)[0] for element in self.completion.take()]

    def statistics(self):
        names = ("rx_dropped", "rx_invalid_descs", "tx_invalid_descs", "rx_ring_full", "rx_fill_ring_empty", "tx_ring_empty")
        return dict(zip(names, struct.unpack("6Q", self.end.getsockopt(SOL_XDP, STATISTICS, 48))))


def make_program(end):
    """One that passes frames of the type to the socket, as FIRST in the file system for programs."""
    sockets = bpf(MAP_CREATE, struct.pack("IIII", TYPE_XSKMAP, 4, 4, 64))
    key, value = ctypes.c_uint32(0), ctypes.c_uint32(end.fileno())
    where = struct.pack("IIQQQ", sockets, 0, ctypes.addressof(key), ctypes.addressof(value), 0)
    if sockets < 0 or bpf(MAP_UPDATE, where) < 0:
        fail(f"there is no map of sockets: {os.strerror(ctypes.get_errno())}")
    body = [load(4, R2, R6, 16), insn(0x18, R1, 1, imm=sockets), insn(0), move(R3, 2), call(REDIRECT_MAP), insn(0x95)]
    for path in ("/sys/fs/bpf/to_socket",):
        if os.path.exists(path):
            os.unlink(path)
    pin("to_socket", body)
    return sockets


def frames_of(destination, source, kind, lengths):
    for number, length in enumerate(lengths):
        head = destination + source + kind + number.to_bytes(4, "big")
        yield head + bytes((at * (number + 3)) & 0xFF for at in range(length - len(head)))


LENGTHS = [60, 61, 128, 255, 256, 257, 1000, 1513, 1514] * 12


def both(near, far, how):
    here, peer = packet_socket(near), there(lambda: packet_socket(far))
    near_mac, far_mac = here.getsockname()[4], peer.getsockname()[4]
    xsk = Socket(near, {"copy": COPY, "zero-copy": ZEROCOPY | NEED_WAKEUP, "any": NEED_WAKEUP}[how])
    sockets = make_program(xsk.end)
    attach(near, "to_socket")
    before = counters(near)
    wanted = list(frames_of(near_mac, far_mac, KIND, LENGTHS))
    found = []
    for first in range(0, len(wanted), 16):
        for frame in wanted[first : first + 16]:
            peer.send(frame)
        collect(xsk, found, first + len(wanted[first : first + 16]))
    differ("received", found, wanted)
    passed = next(frames_of(near_mac, far_mac, MARK, [100]))
    peer.send(passed)
    if receive(here) != passed:
        fail("a frame of another type did not arrive as it was sent")

    wanted = list(frames_of(far_mac, near_mac, KIND, LENGTHS))
    found, completed = [], []
    for first in range(0, len(wanted), 16):
        sent = []
        for number, frame in enumerate(wanted[first : first + 16]):
            # At another place within each piece. The kernel forgets the lowest bit if it copies.
            address = (COUNT + first % COUNT + number) * CHUNK + 2 * ((first + number) % 250)
            xsk.memory[address : address + len(frame)] = frame
            sent.append((address, len(frame)))
        xsk.send(sent)
        for _ in sent:
            try:
                found.append(receive(peer))
            except TimeoutError:
                differ("sent", found, wanted)
        end = time.monotonic() + WAIT
        done = []
        while len(done) < len(sent):
            done += xsk.completed()
            if time.monotonic() > end:
                fail(f"{len(done)} of {len(sent)} frames were completed: {xsk.statistics()}")
            xsk.kick()
        if sorted(done) != [address for address, _ in sent]:
            fail(f"{done} were completed, not {sent}")
    differ("sent", found, wanted)
    after = counters(near)
    seen = after["rx_xdp_redirects"] - before["rx_xdp_redirects"]
    if seen != len(LENGTHS):
        fail(f"rx_xdp_redirects has counted {seen} of {len(LENGTHS)} frames")
    if any(xsk.statistics()[name] for name in ("rx_dropped", "rx_invalid_descs", "tx_invalid_descs")):
        fail(f"frames were dropped: {xsk.statistics()}")
    copied = xsk.is_copied()
    attach(near, "off")
    xsk.end.close()
    os.close(sockets)
    print("copy" if copied else "zero-copy")


def collect(xsk, found, count):
    end = time.monotonic() + WAIT
    while len(found) < count:
        arrived = xsk.received()
        found += [bytes(xsk.memory[address : address + length]) for address, length in arrived]
        xsk.lend(address - address % CHUNK for address, _ in arrived)
        xsk.wake()
        if not arrived:
            if time.monotonic() > end:
                fail(f"{len(found)} of {count} frames arrived: {xsk.statistics()}")
            select.select([xsk.end], [], [], 0.1)


def differ(what, found, wanted):
    if found != wanted:
        wrong = [index for index, pair in enumerate(zip(found, wanted)) if pair[0] != pair[1]]
        at = wrong[0] if wrong else min(len(found), len(wanted))
        shown = [frames[at][:40].hex() if at < len(frames) else None for frames in (found, wanted)]
        fail(f"{what}: {len(found)} frames, not {len(wanted)}, number {at} is {shown}")


def serve(near, file, *options):
    xsk = Socket(near, 0 if "wakeless" in options else NEED_WAKEUP)
    if "plain" not in options:
        make_program(xsk.end)
        attach(near, "to_socket")
    with open(file, "w") as ready:
        ready.write("copy" if xsk.is_copied() else "zero-copy")
    while os.path.exists(file):
        arrived = xsk.received()
        for address, _ in arrived:
            head = xsk.memory[address : address + 12]
            xsk.memory[address : address + 12] = head[6:] + head[:6]
        if arrived:
            xsk.send(arrived)
        else:
            select.select([xsk.end], [], [], 0.05)
            xsk.kick()
        # The place of each is lent again.
        xsk.lend(address - address % CHUNK for address in xsk.completed())
        xsk.wake()


def echo(near, far, count):
    with open(f"/sys/class/net/{near}/address") as file:
        near_mac = bytes.fromhex(file.read().strip().replace(":", ""))
    # Others have enough to do without what it does not want.
    kind = int.from_bytes(KIND, "little")
    peer = there(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, kind))
    peer.bind((far, 0))
    peer.settimeout(1)
    far_mac = peer.getsockname()[4]
    start = int(time.monotonic() * 1000)
    for number in range(int(count)):
        head = near_mac + far_mac + KIND + (start + number).to_bytes(8, "big")
        frame = head + bytes((at * number) & 0xFF for at in range(60 + 7 * number % 1454 - len(head)))
        end = time.monotonic() + WAIT
        while not comes_back(peer, frame):
            if time.monotonic() > end:
                fail(f"frame {number} did not come back")


def comes_back(peer, frame):
    peer.send(frame)
    while True:
        try:
            found = receive(peer)
        except TimeoutError:
            return False
        if found == swapped(frame):
            return True
        if found[14:22] == frame[14:22]:
            fail(f"a frame came back as {found[:40].hex()}")


def refused(near, chunk, headroom):
    try:
        Socket(near, ZEROCOPY, int(chunk), int(headroom))
    except OSError as error:
        print(errno.errorcode[error.errno])
        return
    fail("memory in such pieces is bound without copies")


COMMANDS = {"both": both, "serve": serve, "echo": echo, "refused": refused}
if sys.argv[1] not in COMMANDS:
    fail(f"no such command: {sys.argv[1]}")
COMMANDS[sys.argv[1]](*sys.argv[2:])
