#!/usr/bin/env python3
"""The services over asyncio, or over uvloop: `server.py echo --loop uvloop --port 0`.

Prints one line, `listening on ...`, as soon as it accepts connections, and serves until SIGINT or SIGTERM.
"""

import argparse
import asyncio
import contextlib
import ctypes
import platform
import signal
import ssl
import sys

WAITING_MAX = 1 << 20  # bytes that wait for a peer that does not read; as much as the other contenders allow
BACKLOG = 4096
MESSAGES_PER_TURN = 16


class Service(asyncio.Protocol):
    """What both services do about a peer that does not read: they do not read from it either."""

    def connection_made(self, transport):
        self.transport = transport
        transport.set_write_buffer_limits(high=WAITING_MAX)

    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        self.transport.resume_reading()


class Echo(Service):
    def data_received(self, data):
        self.transport.write(data)


class DatagramEcho(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, source):
        self.transport.sendto(data, source)


class Hello(Service):
    """Answers each request with a greeting. Looks for the ends of requests only, and expects no bodies."""

    GREETING = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n\r\nHello, world!\n"
    END = b"\r\n\r\n"

    def __init__(self):
        self.rest = b""

    def data_received(self, data):
        data = self.rest + data if self.rest else data
        count = data.count(self.END)
        if count:
            self.transport.write(self.GREETING * count)
            self.rest = data[data.rindex(self.END) + len(self.END):]
        else:
            self.rest = data


class Sink(Service):
    """Drops what it receives."""

    def data_received(self, data):
        pass


class Source(Service):
    """Sends the pattern without end."""

    PERIOD = 65521
    PATTERN = b""  # the period, and as much more as makes a message from any position one piece
    message_bytes = 0

    @classmethod
    def prepare(cls, message_bytes):
        state, period = 0x9E3779B97F4A7C15, bytearray()
        for _ in range(cls.PERIOD):
            state ^= state << 13 & 0xFFFFFFFFFFFFFFFF
            state ^= state >> 7
            state ^= state << 17 & 0xFFFFFFFFFFFFFFFF
            period.append(state >> 32 & 0xFF)
        cls.PATTERN = memoryview(bytes(period) * (message_bytes // cls.PERIOD + 2))
        cls.message_bytes = message_bytes

    def connection_made(self, transport):
        self.transport = transport
        # One message waits while one is sent, as in the C servers.
        transport.set_write_buffer_limits(high=self.message_bytes)
        self.position = 0
        self.paused = False
        self.send()

    def send(self):
        # No more at a time, so that a peer who takes everything does not keep the loop from the others.
        for _ in range(MESSAGES_PER_TURN):
            if self.paused or self.transport.is_closing():
                return
            end = self.position + self.message_bytes
            self.transport.write(self.PATTERN[self.position:end])
            self.position = end % self.PERIOD
        asyncio.get_running_loop().call_soon(self.send)

    def pause_writing(self):
        self.paused = True

    def resume_writing(self):
        self.paused = False
        asyncio.get_running_loop().call_soon(self.send)


async def until_client_goes(serve, reader, writer):
    """Serves a connection until the client goes, amid a message or between two."""
    writer.transport.set_write_buffer_limits(high=WAITING_MAX)
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        await serve(reader, writer)
    writer.close()


async def echo_lines(reader, writer):
    while True:
        writer.write(await reader.readuntil(b"\n"))
        await writer.drain()


def echo_messages(message_bytes):
    async def echo(reader, writer):
        while True:
            writer.write(await reader.readexactly(message_bytes))
            await writer.drain()

    return echo


def by_streams(serve):
    """A protocol for each connection with a task that reads and writes by streams, as start_server makes them."""

    def make_protocol():
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=WAITING_MAX, loop=loop)
        return asyncio.StreamReaderProtocol(reader, lambda *streams: until_client_goes(serve, *streams), loop=loop)

    return make_protocol


SERVICES = {"echo": Echo, "http": Hello, "sink": Sink, "source": Source, "udp-echo": DatagramEcho,
            "lines": by_streams(echo_lines)}


def keep_freed_memory():
    """asyncio makes an object of 256 KiB for each receive. As its heap happens to lie, the C library would fetch that much
    from the kernel each time and return it, which costs more than the rest of an echo: it is told to keep it."""
    trim_threshold, mmap_threshold = -1, -3  # malloc.h
    with contextlib.suppress(AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(trim_threshold, 1 << 25)
        mallopt(mmap_threshold, 1 << 25)


def until_signal():
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    return ended


async def serve_datagrams(service, options):
    loop, ended = asyncio.get_running_loop(), until_signal()
    transport, _ = await loop.create_datagram_endpoint(service, local_addr=(options.host, options.port))
    print(f"listening on {options.host}:{transport.get_extra_info('sockname')[1]}", flush=True)
    await ended.wait()
    transport.close()


def tls_context(files):
    """What connections over TLS are made of, or None for plain ones."""
    if not files:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    return context


async def serve_streams(service, options):
    loop, ended, tls = asyncio.get_running_loop(), until_signal(), tls_context(options.tls)
    if options.unix:
        server = await loop.create_unix_server(service, options.unix, backlog=BACKLOG, ssl=tls)
        place = options.unix
    else:
        server = await loop.create_server(service, options.host, options.port, backlog=BACKLOG, ssl=tls)
        place = f"{options.host}:{server.sockets[0].getsockname()[1]}"
    print(f"listening on {place}", flush=True)
    await ended.wait()
    server.close()


def main():
    parser = argparse.ArgumentParser(description="Serves echo, HTTP or a stream over asyncio or uvloop.")
    parser.add_argument("service", choices=(*SERVICES, "exact"))
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--unix", help="the Unix socket to listen on instead")
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"), help="speak TLS, with this certificate and its key (PEM)")
    parser.add_argument("--message-bytes", type=int, default=64 * 1024, help="what a source sends at a time, and what a message of exact has")
    parser.add_argument("--version", action="store_true", help="print what runs it, and end")
    options = parser.parse_args()
    version = f"CPython {platform.python_version()}, {' '.join(ssl.OPENSSL_VERSION.split()[:2])}"
    if options.loop == "uvloop":
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
        version = f"uvloop {uvloop.__version__}, {version}"
    if options.version:
        print(version)
        return 0
    if options.service == "source":
        Source.prepare(options.message_bytes)
    keep_freed_memory()
    serve = serve_datagrams if options.service == "udp-echo" else serve_streams
    exact = {"exact": by_streams(echo_messages(options.message_bytes))}
    asyncio.run(serve((SERVICES | exact)[options.service], options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
