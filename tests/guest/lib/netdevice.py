# SPDX-License-Identifier: GPL-2.0
#
# What a driver makes of a device that it must not trust: the other end of tests/device/net.py.
#
# received INTERFACE: frames whose headers and lengths are right, wrong and impossible. What is wrong is
# dropped and counted; of what is right each byte arrives, and no other.
# sent INTERFACE: what the device finds in its buffers of frames that are sent is the frame and the header
# that describes it, and nothing else.

import json
import socket
import struct
import sys
import time
import zlib

COMMAND, ANSWER, OTHER = 0x88B6, 0x88B7, 0x88B5
SOL_PACKET, PACKET_VNET_HDR = 263, 15
WAIT = 20

CSUM, GUEST_CSUM, GUEST_TSO4, GUEST_TSO6, GUEST_ECN, GUEST_UFO = 0, 1, 7, 8, 9, 10
HOST_TSO4, HOST_TSO6, MRG_RXBUF, GUEST_USO4, HOST_USO = 11, 12, 15, 54, 56
NEEDS_CSUM, DATA_VALID, RSC_INFO = 1, 2, 4
NONE, TCPV4, UDP, TCPV6, UDP_L4, TUNNEL4, TUNNEL6, ECN = 0, 1, 3, 4, 5, 0x20, 0x40, 0x80
PATTERN = bytes(range(1, 252)) * 300
DROPPED = None


def fail(text):
    sys.exit(text)


def pattern(length):
    return PATTERN[:length]


def header(flags=0, gso=NONE, hdr_len=0, size=0, start=0, offset=0, buffers=1):
    return struct.pack("<BBHHHHH", flags, gso, hdr_len, size, start, offset, buffers)


class Link:
    """The device, by the interface that it is the other end of."""

    def __init__(self, interface):
        self.interface = interface
        self.raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.raw.bind((interface, 0))
        self.raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.raw.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        self.raw.settimeout(WAIT)
        self.mac = self.raw.getsockname()[4]
        self.number = 0

    def type(self, kind):
        return self.mac + self.mac + kind.to_bytes(2, "big")

    def tell(self, *commands):
        self.raw.send(bytes(10) + self.type(COMMAND) + json.dumps(commands).encode())

    def next(self):
        """The next frame that came in: what the stack knows of it, and its bytes."""
        while True:
            data, address = self.raw.recvfrom(1 << 17)
            if address[2] != socket.PACKET_OUTGOING:
                return data[:10], data[10:]

    def ask(self, command):
        self.tell(command)
        while True:
            try:
                _, frame = self.next()
            except TimeoutError:
                fail(f"{self.interface} receives nothing any more: no answer to {command}")
            if frame[12:14] == ANSWER.to_bytes(2, "big"):
                return json.loads(frame[14:].rstrip(b"\0"))

    def check(self):
        """Frames still arrive, one after the other."""
        self.number += 1
        if self.ask({"answer": self.number}) != self.number:
            fail("an answer to something else")

    def counter(self, name):
        with open(f"/sys/class/net/{self.interface}/statistics/{name}") as file:
            return int(file.read())


def ipv4(protocol, data):
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(data), 1, 0, 64, protocol, 0, b"\x0a\x4d\0\1", b"\x0a\x4d\0\2")
    return head + data


def ipv6(protocol, data):
    return struct.pack(">IHBB16s16s", 6 << 28, len(data), protocol, 64, b"\xfd" * 16, b"\xfc" * 16) + data


def tcp(payload):
    return struct.pack(">HHIIBBHHH", 4711, 4712, 1, 1, 5 << 4, 0x10, 512, 0, 0) + pattern(payload)


def udp(payload):
    return struct.pack(">HHHH", 4711, 4712, 8 + payload, 0) + pattern(payload)


class Receiver:
    def __init__(self, interface):
        self.link = Link(interface)
        self.features = self.link.ask({"features": True})
        self.mergeable = self.has(MRG_RXBUF)
        self.drops = 0
        self.failed = []

    def has(self, bit):
        return bool(self.features >> bit & 1)

    def one(self, name, head, frame, wanted, used=0, more=()):
        """A frame in a buffer, and more buffers. USED is what the device tells in excess of the truth."""
        data = head + frame
        self.buffers(name, [(data, len(data) + used), *more], wanted)

    def buffers(self, name, buffers, wanted):
        """WANTED is how many of the bytes after the header arrive, in order, or DROPPED."""
        link = self.link
        errors = link.counter("rx_errors")
        link.tell({"receive": [self.encoded(data, used) for data, used in buffers]})
        if wanted is DROPPED:
            self.drops += 1
            end = time.monotonic() + 5
            while link.counter("rx_errors") == errors and time.monotonic() < end:
                time.sleep(0.002)
            counted = link.counter("rx_errors") - errors
            if counted != 1:
                self.wrong(f"{name}: {counted} errors were counted, not 1")
            self.nothing(name)
            return
        expected = b"".join(data[:used] for data, used in buffers)[12 : 12 + wanted]
        try:
            _, found = link.next()
        except TimeoutError:
            self.wrong(f"{name}: did not arrive")
            return
        if found != expected:
            self.wrong(f"{name}: {len(found)} bytes arrived, {len(expected)} were written: {found[:80].hex()}")
        if link.counter("rx_errors") != errors:
            self.wrong(f"{name}: counted as an error")
        link.check()

    @staticmethod
    def encoded(data, used):
        """Long patterns do not fit into a frame."""
        fill = 0
        for length in range(len(data), 64, -1):
            if data.endswith(pattern(length)):
                fill = length
                break
        return [data[: len(data) - fill].hex(), fill, used]

    def nothing(self, name):
        """The only frame that arrives is the answer."""
        self.link.number += 1
        self.link.tell({"answer": self.link.number})
        while True:
            try:
                _, frame = self.link.next()
            except TimeoutError:
                fail(f"{name}: nothing is received any more")
            if frame[12:14] == ANSWER.to_bytes(2, "big"):
                return
            self.wrong(f"{name}: {len(frame)} bytes arrived: {frame[:80].hex()}")

    def wrong(self, text):
        self.failed.append(text)

    def frame(self, length):
        return self.link.type(OTHER) + pattern(length - 14)

    def lengths(self):
        head = header()
        for length in (0, 1, 11, 12, 13, 25):
            data = (head + self.frame(60))[:length]
            self.buffers(f"{length} bytes with the header", [(data, length)], DROPPED)
        for length in (14, 15, 59, 60, 256, 257, 1514):
            self.one(f"a frame of {length} bytes", head, self.frame(length), length)
        # More was written than the driver is told of.
        self.buffers("a frame that is told shorter", [(head + self.frame(300), 12 + 100)], 100)
        # Less is there than the driver is told of: a length that no buffer has.
        for used in (1 << 17, (1 << 31) - 1, 1 << 31, (1 << 32) - 1):
            data = head + self.frame(60)
            self.buffers(f"a used length of {used}", [(data, used)], DROPPED)

    def counts(self):
        if not self.mergeable:
            # The device may leave there what it wants.
            for count in (0, 1, 2, 65535):
                self.one(f"num_buffers {count}", header(buffers=count), self.frame(100), 100)
            return
        for count in (0, 1):
            self.one(f"num_buffers {count}", header(buffers=count), self.frame(100), 100)
        for count in (2, 3, 17, 18, 19, 40, 63, 64):
            rest = [(pattern(100 + index), 100 + index) for index in range(count - 1)]
            first = header(buffers=count) + self.frame(100)
            total = 100 + sum(used for _, used in rest)
            self.buffers(f"num_buffers {count}", [(first, len(first)), *rest], total)
        for count in (2, 3, 64, 65, 300, 32768, 65535):
            self.one(f"num_buffers {count} of a single one", header(buffers=count), self.frame(100), DROPPED)
        for count, there in ((3, 2), (65535, 40)):
            rest = [(pattern(80), 80)] * (there - 1)
            self.one(f"num_buffers {count} of {there}", header(buffers=count), self.frame(100), DROPPED, more=rest)
        first = header(buffers=2) + self.frame(100)
        self.one("an empty second buffer", header(buffers=2), self.frame(100), DROPPED, more=[(b"", 0)])
        self.buffers("a first buffer with a header only", [(header(buffers=2), 12), (pattern(100), 100)], DROPPED)
        rest = [(pattern(4000), 4000)] * 17
        self.buffers("a frame that is too large", [(header(buffers=18) + self.frame(1500), 1512), *rest], DROPPED)
        self.one("a second buffer of an impossible length", header(buffers=2), self.frame(100), DROPPED, more=[(b"", (1 << 32) - 1)])

    def checksums(self):
        frame = self.link.type(0x0800) + ipv4(17, udp(100))
        length = len(frame)
        if not self.has(GUEST_CSUM):
            # What was not agreed on means nothing.
            self.one("a flag that was not negotiated", header(NEEDS_CSUM, start=65535, offset=9), frame, length)
            return
        self.one("a partial checksum", header(NEEDS_CSUM, start=34, offset=6), frame, length)
        self.one("a checked one", header(DATA_VALID), frame, length)
        for start, offset in ((65535, 0), (65535, 65535), (34, 65535), (length - 1, 0), (34, length - 35), (0, 0), (13, 6)):
            self.one(f"a checksum at {start} + {offset}", header(NEEDS_CSUM, start=start, offset=offset), frame, DROPPED)

    def segments(self):
        tcp4 = self.link.type(0x0800) + ipv4(6, tcp(3000))
        tcp6 = self.link.type(0x86DD) + ipv6(6, tcp(3000))
        udp4 = self.link.type(0x0800) + ipv4(17, udp(3000))
        if self.has(MRG_RXBUF) and not self.has(GUEST_TSO4):
            # They have to fit.
            tcp4, udp4 = self.link.type(0x0800) + ipv4(6, tcp(900)), self.link.type(0x0800) + ipv4(17, udp(900))
            tcp6 = self.link.type(0x86DD) + ipv6(6, tcp(900))
        csum = {"flags": NEEDS_CSUM, "start": 34, "offset": 16}
        csum6 = {"flags": NEEDS_CSUM, "start": 54, "offset": 16}
        udp_csum = {"flags": NEEDS_CSUM, "start": 34, "offset": 6}

        def gso(name, kind, size, frame, wanted, **csum):
            self.one(name, header(gso=kind, hdr_len=66, size=size, **csum), frame, len(frame) if wanted else DROPPED)

        gso("TCP over IPv4", TCPV4, 800, tcp4, self.has(GUEST_TSO4), **csum)
        gso("TCP over IPv6", TCPV6, 800, tcp6, self.has(GUEST_TSO6), **csum6)
        gso("TCP with ECN", TCPV4 | ECN, 800, tcp4, self.has(GUEST_ECN), **csum)
        gso("UDP segments", UDP_L4, 800, udp4, self.has(GUEST_USO4), **udp_csum)
        for kind in (2, 6, 7, 0x10, 0x1F, 0x7F, TCPV4 | TUNNEL4, TCPV4 | TUNNEL6, TCPV4 | TUNNEL4 | TUNNEL6, UDP_L4 | ECN, ECN):
            gso(f"GSO type {kind:#x}", kind, 800, tcp4, False, **csum)
        gso("TCP that is UDP", TCPV4, 800, udp4, False, **udp_csum)
        gso("IPv6 that is IPv4", TCPV6, 800, tcp4, False, **csum)
        gso("IPv4 that is IPv6", TCPV4, 800, tcp6, False, **csum6)
        gso("UDP that is TCP", UDP_L4, 800, tcp4, False, **csum)
        gso("neither", TCPV4, 800, self.frame(1000), False, **csum)
        gso("half a header", TCPV4, 800, tcp4[:40], False, **csum)
        for size in (0, 65535):
            gso(f"segments of {size} bytes", TCPV4, size, tcp4, False, **csum)
        gso("a checksum elsewhere", TCPV4, 800, tcp4, False, flags=NEEDS_CSUM, start=38, offset=16)
        gso("UDP segments without a checksum", UDP_L4, 800, udp4, False)
        gso("too many UDP segments", UDP_L4, 1, udp4, False, **udp_csum)

    def run(self):
        self.link.check()
        self.lengths()
        self.counts()
        self.checksums()
        self.segments()
        for _ in range(64):
            self.link.check()
        if self.failed:
            fail("\n".join(self.failed))
        print(f"{self.drops} frames dropped")


def sent(interface):
    link = Link(interface)
    features = link.ask({"features": True})
    has = lambda bit: bool(features >> bit & 1)
    tests = [(bytes(10), link.type(OTHER) + pattern(length - 14)) for length in range(14, 1515)]

    def described(kind, size, start, offset, frame, hdr_len):
        head = struct.pack("<BBHHHH", NEEDS_CSUM, kind, hdr_len, size, start, offset)
        tests.append((head, frame))

    eth4, eth6 = link.type(0x0800), link.type(0x86DD)
    if has(CSUM):
        described(NONE, 0, 34, 6, eth4 + ipv4(17, udp(100)), 0)
        described(NONE, 0, 54, 16, eth6 + ipv6(6, tcp(100)), 0)
    for payload in (1000, 1449, 3000, 20000, 60000):
        if has(HOST_TSO4):
            described(TCPV4, 536, 34, 16, eth4 + ipv4(6, tcp(payload)), 54)
        if has(HOST_TSO6):
            described(TCPV6, 536, 54, 16, eth6 + ipv6(6, tcp(payload)), 74)
        if has(HOST_USO) and payload < 60000:
            described(UDP_L4, 536, 34, 6, eth4 + ipv4(17, udp(payload)), 42)
    for first in range(0, len(tests), 16):
        batch = tests[first : first + 16]
        for head, frame in batch:
            link.raw.send(head + frame)
        compare(batch, link)
    # Whether a frame was checked on its way here is nothing to the device.
    frame = eth4 + ipv4(17, udp(200))
    link.raw.send(struct.pack("<BBHHHH", DATA_VALID, NONE, 0, 0, 0, 0) + frame)
    compare([(bytes(10), frame)], link)
    if not has(HOST_TSO4):
        link.raw.send(struct.pack("<BBHHHH", NEEDS_CSUM, TCPV4, 54, 536, 34, 16) + eth4 + ipv4(6, tcp(3000)))
        wanted = [("00" * 12, 12 + 54 + size) for size in [536] * 5 + [320]]
        end = time.monotonic() + WAIT
        while (segments := [(told, sum(lengths)) for told, lengths, _ in link.ask({"sent": 6})]) != wanted:
            if time.monotonic() > end:
                fail(f"without the offload the device has {segments} of a large frame")
    print(f"{len(tests)} frames")


def compare(batch, link):
    """The stack may change their order: it queues by the flow that it takes a frame to belong to."""
    end = time.monotonic() + WAIT
    while True:
        found = link.ask({"sent": len(batch) + 8})
        seen = {checksum: (bytes.fromhex(head), lengths) for head, lengths, checksum in found}
        if all(zlib.crc32(frame) in seen for _, frame in batch) or time.monotonic() > end:
            break
    for head, frame in batch:
        what = f"a frame of {len(frame)} bytes with the header {head.hex()}"
        if zlib.crc32(frame) not in seen:
            fail(f"{what} is not among what the device has")
        told, lengths = seen[zlib.crc32(frame)]
        if sum(lengths) != 12 + len(frame):
            fail(f"{what}: the device has {lengths} bytes")
        # hdr_len may be larger than the headers are, and there are no further buffers.
        same = told[:2] == head[:2] and told[4:10] == head[4:10] and told[10:] == b"\0\0"
        length, headers = (int.from_bytes(header[2:4], "little") for header in (told, head))
        if not same or (length != 0 if head[1] == NONE else length < headers):
            fail(f"{what}: the device has the header {told.hex()}")


if sys.argv[1] == "received":
    Receiver(sys.argv[2]).run()
elif sys.argv[1] == "sent":
    sent(sys.argv[2])
else:
    fail(f"no such command: {sys.argv[1]}")
