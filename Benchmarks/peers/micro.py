#!/usr/bin/env python3
"""What loopbench's micro-benchmarks of awaiting do, over asyncio or uvloop: `micro.py queue --loop uvloop --count 100000`.

Prints the time of one operation in nanoseconds: CPU time, and of child processes the wall clock's.
"""

import argparse
import asyncio
import platform
import sys
import time
from asyncio.subprocess import PIPE

GATHERED_AT_ONCE = 1000
LOCKING_TASKS = 10


async def queue(count):
    queue = asyncio.Queue()
    for number in range(count):
        await queue.put(number)
        await queue.get()
    return count


def passed(bound):
    async def pass_on(count):
        queue = asyncio.Queue(bound)

        async def fill():
            for number in range(count):
                await queue.put(number)

        source = asyncio.create_task(fill())
        for _ in range(count):
            await queue.get()
        await source
        return count

    return pass_on


async def lock(count):
    lock, turns = asyncio.Lock(), max(count // LOCKING_TASKS, 1)

    async def take_turns():
        for _ in range(turns):
            async with lock:
                await asyncio.sleep(0)

    for task in [asyncio.create_task(take_turns()) for _ in range(LOCKING_TASKS)]:
        await task
    return turns * LOCKING_TASKS


async def sleep(count):
    for _ in range(count):
        await asyncio.sleep(0)
    return count


async def event(count):
    ball, back = asyncio.Event(), asyncio.Event()

    async def partner():
        for _ in range(count):
            await ball.wait()
            ball.clear()
            back.set()

    other = asyncio.create_task(partner())
    for _ in range(count):
        ball.set()
        await back.wait()
        back.clear()
    await other
    return count


async def nothing():
    pass


async def task(count):
    for _ in range(count):
        await asyncio.create_task(nothing())
    return count


async def gather(count):
    times = max(count // GATHERED_AT_ONCE, 1)
    for _ in range(times):
        await asyncio.gather(*[nothing() for _ in range(GATHERED_AT_ONCE)])
    return times * GATHERED_AT_ONCE


async def timeout(count):
    for _ in range(count):
        async with asyncio.timeout(10):
            await asyncio.sleep(0)
    return count


async def cpu_time(operation, count):
    await operation(max(count // 10, 1))
    before = time.thread_time_ns()
    done = await operation(count)
    return (time.thread_time_ns() - before) / done


async def communicate(count):
    data = b"\7" * count
    before = time.perf_counter_ns()
    process = await asyncio.create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE)
    output, _ = await process.communicate(data)
    return ended(before, output, count)


async def read(count):
    before = time.perf_counter_ns()
    process = await asyncio.create_subprocess_exec("head", "-c", str(count), "/dev/zero", stdout=PIPE)
    output, _ = await process.communicate()
    return ended(before, output, count)


def ended(before, output, count):
    taken = time.perf_counter_ns() - before
    if len(output) != count:
        raise ValueError(f"a child was to write {count} bytes, and {len(output)} came")
    return taken


AWAITING = {
    "queue": queue, "passed-100": passed(100), "passed-1": passed(1), "lock": lock, "sleep": sleep, "event": event,
    "task": task, "gather": gather, "timeout": timeout,
}
COMMUNICATING = {"communicate": communicate, "read": read}


def main():
    parser = argparse.ArgumentParser(description="Measures what tasks do with each other over asyncio or uvloop.")
    parser.add_argument("operation", nargs="?", choices=(*AWAITING, *COMMUNICATING), default="queue")
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio")
    parser.add_argument("--count", type=int, default=100_000, help="how often it is done, or how many bytes are piped")
    parser.add_argument("--version", action="store_true", help="print what runs it, and end")
    options = parser.parse_args()
    if sys.version_info < (3, 11):
        sys.exit("this needs Python 3.11 or newer, for asyncio.timeout")
    version = f"CPython {platform.python_version()}"
    if options.loop == "uvloop":
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
        version = f"uvloop {uvloop.__version__}, {version}"
    if options.version:
        print(version)
    elif options.operation in AWAITING:
        print(asyncio.run(cpu_time(AWAITING[options.operation], options.count)))
    else:
        print(asyncio.run(COMMUNICATING[options.operation](options.count)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
