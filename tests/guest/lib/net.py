# SPDX-License-Identifier: GPL-2.0
#
# Traffic between the interface NEAR, here, and FAR, in the network namespace "peer":
#
# frames NEAR FAR: Ethernet frames of every length and of several types, and with a VLAN's tag, both ways,
# compared.
# payload: UDP and TCP over IPv4 and IPv6 with every length around limits, both ways, compared.
# pieces: TCP of very many small pieces, of scattered pages, and out of files, compared.
# load SECONDS [INTERFACE]: two TCP streams in each direction, compared. Prints how much arrived by each,
# and how long the largest frame was that INTERFACE was given to send.
# hoard MIB FILE: one TCP stream to NEAR, which is not read before there is such a file, then compared. Prints
# a line once it is there.
#
# With REFLECTED=1 there is only NEAR, and its device sends everything back as if it came from FAR.
#
# Ends with status 1 and a line that says what was not what was sent.

import errno
import itertools
import mmap
import os
import random
import select
import socket
import struct
import sys
import tempfile
import time

random.seed(4711)
# Its length has no factor in common with that of a page or a buffer.
PATTERN = random.randbytes(65521)
TWICE = PATTERN + PATTERN + PATTERN
HERE = os.open("/proc/self/ns/net", os.O_RDONLY)

# With NETWORK=78: of a tunnel between the two.
NETWORK = os.environ.get("NETWORK", "77")
NEAR4, FAR4 = f"10.{NETWORK}.0.2", f"10.{NETWORK}.0.3"
NEAR6, FAR6 = f"fd{NETWORK}::2", f"fd{NETWORK}::3"
WAIT = 20
REFLECTED = "REFLECTED" in os.environ

SO_RCVBUFFORCE = 33
SOL_PACKET, PACKET_ADD_MEMBERSHIP, PACKET_AUXDATA = 263, 1, 8
PROMISCUOUS, HAS_TAG = 1, 1 << 4


def fail(text):
    sys.exit(text)


def pattern(start, length):
    start %= len(PATTERN)
    if start + length <= len(TWICE):
        return TWICE[start : start + length]
    return b"".join(pattern(start + at, min(len(PATTERN), length - at)) for at in range(0, length, len(PATTERN)))


def there(function):
    """Calls function in the other network namespace: a socket stays where it was made."""
    if REFLECTED:
        return function()
    with open("/run/netns/peer") as peer:
        os.setns(peer.fileno(), os.CLONE_NEWNET)
    try:
        return function()
    finally:
        os.setns(HERE, os.CLONE_NEWNET)


def address(end):
    """What to send to for a socket to receive it."""
    host, port = end.getsockname()[:2]
    return {NEAR4: FAR4, NEAR6: FAR6}[host] if REFLECTED else host, port


def packet_socket(interface):
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    raw.bind((interface, 0))
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    raw.settimeout(WAIT)
    return raw


def mac(interface):
    with open(f"/sys/class/net/{interface}/address") as file:
        return bytes.fromhex(file.read().strip().replace(":", ""))


def all_frames(interface):
    """Has a socket get frames whatever their target, and their VLAN's tag, which the stack takes out."""
    raw = packet_socket(interface)
    index = socket.if_nametoindex(interface)
    raw.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, struct.pack("iHH8s", index, PROMISCUOUS, 0, b""))
    raw.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    return raw


def receive_frame(raw):
    frame, ancillary, _, _ = raw.recvmsg(65536, 256)
    for level, kind, data in ancillary:
        if level == SOL_PACKET and kind == PACKET_AUXDATA:
            status, _, _, _, _, tag, protocol = struct.unpack("IIIHHHH", data)
            if status & HAS_TAG:
                return frame[:12] + struct.pack(">HH", protocol, tag) + frame[12:]
    return frame


def frame_types(length, mtu):
    """What is between the addresses and the data."""
    if length <= 14 + mtu:
        # Types that no protocol here has, and the length, which is what a small number means in 802.3.
        yield from (b"\x60\x03", b"\x88\xb5")
        if length - 14 < 0x600:
            yield (length - 14).to_bytes(2, "big")
    # The stack drops shorter ones, whoever receives them.
    if length >= 20:
        yield b"\x81\x00\x60\x07\x88\xb5"


def send_frames(sender, receiver, source, target, mtu):
    """All frames of a type in batches that fit into any ring."""
    lengths = range(14, 14 + mtu + 4 + 1)
    number = 0
    for first in range(lengths.start, lengths.stop, 16):
        batch = []
        for length in range(first, min(first + 16, lengths.stop)):
            for kind in frame_types(length, mtu):
                number += 1
                header = target + source + kind
                frame = header + pattern(number * 97, length - len(header))
                batch.append(source + target + frame[12:] if REFLECTED else frame)
                sender.send(frame)
        compare_frames(receiver, batch, target if REFLECTED else source)


def compare_frames(receiver, batch, source):
    """The stack may change their order: it queues by the flow that it takes a frame to belong to."""
    missing = set(batch)
    while missing:
        try:
            found = receive_frame(receiver)
        except TimeoutError:
            fail(f"frames did not arrive: {sorted((len(frame), frame[12:14].hex()) for frame in missing)}")
        # Others are those of the kernel.
        if found[6:12] != source:
            continue
        if found not in missing:
            fail(f"a frame arrived that was not sent: {len(found)} bytes, {found[:64].hex()}")
        missing.remove(found)


def frames(near, far):
    here = all_frames(near)
    peer = here if REFLECTED else there(lambda: all_frames(far))
    near_mac, far_mac = mac(near), there(lambda: peer.getsockname()[4])
    with open(f"/sys/class/net/{near}/mtu") as file:
        mtu = int(file.read())
    # Addresses of nobody, so that the kernels do not answer.
    send_frames(here, peer, near_mac[:5] + b"\x77", far_mac[:5] + b"\x78", mtu)
    send_frames(peer, here, far_mac[:5] + b"\x79", near_mac[:5] + b"\x7a", mtu)


def lengths(most):
    """Around the sizes of headers, small packets, pages, buffers and frames."""
    limits = [0, 18, 46, 64, 128, 256, 512, 1024, 1472, 1500, 1514, 1664, 2048, 2900, 3072, 4096]
    limits += [8192, 8960, 12288, 16384, 20480, 32768, 49152, 65483, 65507, 65536]
    # With headers before them.
    shifts = itertools.chain(range(-3, 4), (-12, -14, -20, -24, -26, -40, -42, -52, -54, -66, -78, -86))
    found = {limit + shift for limit, shift in itertools.product(limits, list(shifts))}
    return sorted(length for length in found if 0 <= length <= most)


def udp(near, far, family):
    here = socket.socket(family, socket.SOCK_DGRAM)
    here.bind((near, 0))
    peer = there(lambda: socket.socket(family, socket.SOCK_DGRAM))
    peer.bind((near if REFLECTED else far, 0))
    for end in (here, peer):
        end.settimeout(WAIT)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    name = "IPv4" if family == socket.AF_INET else "IPv6"
    for length in lengths(65507 if family == socket.AF_INET else 65487):
        for sender, receiver in ((here, peer), (peer, here)):
            data = pattern(length * 31, length)
            sender.sendto(data, address(receiver))
            try:
                found, _ = receiver.recvfrom(65536)
            except TimeoutError:
                fail(f"UDP over {name} with {length} bytes did not arrive")
            if found != data:
                fail(f"UDP over {name} with {length} bytes changed")


def connection(near, far, family):
    def listen():
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.bind((near if REFLECTED else far, 0))
        listener.listen()
        return listener

    listener = there(listen)
    here = socket.socket(family, socket.SOCK_STREAM)
    here.settimeout(WAIT)
    here.bind((near, 0))
    here.connect(address(listener))
    peer, _ = listener.accept()
    for end in (here, peer):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        end.setblocking(False)
    return here, peer


def pass_on(sender, receiver, data):
    """Sends data in one piece, as far as the stack takes it, and returns what arrives."""
    sent, found = 0, bytearray()
    end = time.monotonic() + WAIT
    while len(found) < len(data):
        writers = [sender] if sent < len(data) else []
        readable, writable, _ = select.select([receiver], writers, [], 1)
        if writable:
            sent += sender.send(memoryview(data)[sent:])
        if readable:
            found += receiver.recv(1 << 20)
        if time.monotonic() > end:
            fail(f"TCP: {len(found)} of {len(data)} bytes arrived")
    return bytes(found)


def tcp(near, far, family):
    here, peer = connection(near, far, family)
    for length in lengths(65536) + [131072, 262144]:
        for sender, receiver in ((here, peer), (peer, here)):
            data = pattern(length * 17, length)
            if pass_on(sender, receiver, data) != data:
                fail(f"TCP with {length} bytes changed")


def payload():
    for near, far, family in ((NEAR4, FAR4, socket.AF_INET), (NEAR6, FAR6, socket.AF_INET6)):
        udp(near, far, family)
        tcp(near, far, family)


def pieces():
    for near, far, family in ((NEAR4, FAR4, socket.AF_INET), (NEAR6, FAR6, socket.AF_INET6)):
        here, peer = connection(near, far, family)
        for end in (here, peer):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
            end.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)
        for send in (small_writes, scattered_pages, file_pieces):
            for sender, receiver in ((here, peer), (peer, here)):
                compare_stream(send, sender, receiver)


# All of them give the stack pages to send, as few bytes of each as it likes.
SO_ZEROCOPY, MSG_ZEROCOPY = 60, 0x4000000
PIECES = 1200


def small_writes(sender):
    """1 to 100 bytes at a time: the stack glues them together."""
    for number in range(PIECES):
        yield sender.send, pattern(number * 101, number % 100 + 1)


def scattered_pages(sender):
    """Messages of 40 pieces, each in a page of its own, which are not copied."""
    pages = mmap.mmap(-1, 40 * 4096)
    pages[:] = pattern(0, len(pages))
    for number in range(PIECES // 40):
        length = number * 37 % 2000 + 1
        views = [memoryview(pages)[at : at + length] for at in range(number % 64, len(pages) - 4095, 4096)]
        yield lambda views: sender.sendmsg(views, [], MSG_ZEROCOPY), views


def file_pieces(sender):
    """Pieces of a file's pages, at odd places."""
    file = tempfile.TemporaryFile()
    file.write(pattern(0, 1 << 18))
    file.flush()
    for number in range(PIECES // 4):
        length, at = number * 53 % 1400 + 1, number * 4093 % 200000
        yield lambda data, at=at: os.sendfile(sender.fileno(), file.fileno(), at, len(data)), pattern(at, length)


def compare_stream(send, sender, receiver):
    expected, found = bytearray(), bytearray()
    end = time.monotonic() + 3 * WAIT
    for write, data in itertools.chain(send(sender), [(None, b"")]):
        left = list(data) if isinstance(data, list) else [memoryview(data)]
        for view in left:
            expected += view
        while any(left) or write is None and len(found) < len(expected):
            readable, writable, _ = select.select([receiver], [sender] if any(left) else [], [], 1)
            if readable:
                found += read_some(receiver)
            if writable:
                left = write_some(write, left, isinstance(data, list))
            if time.monotonic() > end:
                fail(f"{send.__name__}: {len(found)} of {len(expected)} bytes arrived")
    if found != expected:
        fail(f"{send.__name__}: a stream changed")


def read_some(receiver):
    """Reads what there is. Notices of pages that this end has sent make it readable, too."""
    try:
        return receiver.recv(1 << 20)
    except BlockingIOError:
        receiver.recvmsg(1, 1024, socket.MSG_ERRQUEUE)
        return b""


def write_some(write, left, is_list):
    """Writes what the socket takes, and returns the rest."""
    try:
        count = write(left if is_list else left[0])
    except (BlockingIOError, OSError) as error:
        # Without room for notices of pages that are not copied.
        if error.errno not in (errno.EAGAIN, errno.ENOBUFS):
            raise
        return left
    while left and count >= len(left[0]):
        count -= len(left.pop(0))
    if left and count:
        left[0] = left[0][count:]
    return left


class Stream:
    """A stream from one socket to another, of the pattern again and again."""

    def __init__(self, sender, receiver):
        self.sender, self.receiver = sender, receiver
        self.sent = self.received = 0

    def send(self):
        try:
            self.sent += self.sender.send(pattern(self.sent, 60000))
        except BlockingIOError:
            pass

    def receive(self):
        data = self.receiver.recv(1 << 18)
        if data != pattern(self.received, len(data)):
            fail(f"a stream changed after {self.received} bytes")
        self.received += len(data)


def largest_sent(raw):
    """The length of the largest frame that an interface was given to send since the last call."""
    largest = 0
    while True:
        try:
            # With MSG_TRUNC, the length of the frame is returned even though it does not fit.
            length, address = raw.recvfrom_into(bytearray(1), 1, socket.MSG_TRUNC)
        except BlockingIOError:
            return largest
        if address[2] == socket.PACKET_OUTGOING:
            largest = max(largest, length)


def load(seconds, *watched):
    streams = []
    for near, far, family in ((NEAR4, FAR4, socket.AF_INET), (NEAR6, FAR6, socket.AF_INET6)):
        here, peer = connection(near, far, family)
        streams.append(Stream(here, peer))
        here, peer = connection(near, far, family)
        streams.append(Stream(peer, here))
    end = time.monotonic() + seconds
    senders = {stream.sender: stream for stream in streams}
    receivers = {stream.receiver: stream for stream in streams}
    watch = packet_socket(*watched) if watched else None
    if watch:
        watch.setblocking(False)
    largest = 0
    # A slow machine has more time for the first bytes of each.
    while (now := time.monotonic()) < end or now < end + WAIT and not all(stream.received for stream in streams):
        if watch:
            largest = max(largest, largest_sent(watch))
        readable, writable, _ = select.select(receivers, senders, [], 1)
        for sender in writable:
            senders[sender].send()
        for receiver in readable:
            receivers[receiver].receive()
    still = [stream.received for stream in streams]
    if min(still) == 0:
        fail(f"a stream stands still: {still}")
    print(*still, largest)


def hoard(mib, file):
    here, peer = connection(NEAR4, FAR4, socket.AF_INET)
    # More than the stack lets a socket have.
    here.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, mib << 20)
    stream = Stream(peer, here)
    print("ready", flush=True)
    while stream.received < mib << 20:
        reads = os.path.exists(file)
        writers = [peer] if stream.sent < mib << 20 else []
        readable, writable, _ = select.select([here] if reads else [], writers, [], 0.1 if not reads else 3 * WAIT)
        if reads and not readable and not writable:
            fail(f"{stream.received} of {stream.sent} bytes arrived")
        if writable:
            stream.send()
        if readable:
            stream.receive()


def main():
    command, *arguments = sys.argv[1:]
    if command == "frames":
        frames(*arguments)
    elif command == "payload":
        payload()
    elif command == "pieces":
        pieces()
    elif command == "load":
        load(int(arguments[0]), *arguments[1:])
    elif command == "hoard":
        hoard(int(arguments[0]), arguments[1])
    else:
        fail(f"no such command: {command}")


if __name__ == "__main__":
    main()
