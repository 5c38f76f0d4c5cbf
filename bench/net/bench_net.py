"""Compares the two transports in one run, interleaved, against the C pretend upstream: requests and streams per second.

    python bench/net/bench_net.py bench/gateway/mockllm.c [--seconds 3] [--rounds 3] [--concurrency 64]

The argument is the source (compiled with `cc` into a temporary folder) or a built program. The client runs on uvloop in
this process; the upstream takes a second core. Read the ratios, not the figures: both transports share one machine.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import uvloop

from meshwright.net.lean import LeanTransport
from meshwright.net.pooled import AiohttpTransport
from meshwright.net.transport import Call, Endpoint, Transport

PLAIN = b'{"model":"mock-model","messages":[{"role":"user","content":"' + b"Hello there. " * 80 + b'"}]}'
STREAM = PLAIN[:-1] + b',"stream":true}'


def program(path: Path, folder: Path) -> Path:
    """The pretend upstream, compiled first if `path` is its source."""
    if path.suffix != ".c":
        return path
    built = folder / "mockllm"
    subprocess.run(["cc", "-O2", "-w", "-o", built, path], check=True)
    return built


@contextlib.contextmanager
def upstream(path: Path) -> Iterator[str]:
    """Runs the pretend upstream on a free port, which it prints; gives its address."""
    with subprocess.Popen([path, "--port", "0"], stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            yield f"http://127.0.0.1:{int(running.stdout.readline())}"
        finally:
            running.terminate()


async def rate(transport: Transport, call: Call, seconds: float, concurrency: int) -> float:
    """Answers per second, each read to its end."""
    done = 0
    stop = time.perf_counter() + seconds

    async def client() -> None:
        nonlocal done
        while time.perf_counter() < stop:
            answer = await transport.send(call)
            while await answer.next():
                pass
            done += 1

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(concurrency)))
    return done / (time.perf_counter() - began)


async def compare(url: str, body: bytes, gap_ms: int, clients: int, options: argparse.Namespace) -> dict[str, float]:
    """The median rate of each transport, measured in turns."""
    endpoint = Endpoint(
        f"{url}/v1/chat/completions",
        headers=(("content-type", "application/json"), ("authorization", "Bearer sk-bench")),
    )
    call = Call(endpoint, body)
    transports: dict[str, Transport] = {"lean": LeanTransport(), "aiohttp": AiohttpTransport()}
    setting = await transports["lean"].send(Call(Endpoint(f"{url}/set?delay_ms=0&gap_ms={gap_ms}", method="PUT")))
    await setting.read(100)
    rates: dict[str, list[float]] = {name: [] for name in transports}
    for transport in transports.values():
        await rate(transport, call, 0.3, clients)
    for _ in range(options.rounds):
        for name, transport in transports.items():
            rates[name].append(await rate(transport, call, options.seconds, clients))
    for transport in transports.values():
        await transport.close()
    return {name: statistics.median(measured) for name, measured in rates.items()}


def main() -> None:
    """Measure the kinds of answers and print one line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("upstream", type=Path, help="mockllm.c or the program built from it")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--concurrency", type=int, default=64)
    options = parser.parse_args()
    # A stream that takes its time needs more of them at once to keep a core busy: the last number multiplies.
    cases = [
        ("JSON, 1 KB both ways", PLAIN, 0, 1),
        ("stream, 50 chunks at once", STREAM, 0, 1),
        ("stream, 50 chunks 2 ms apart", STREAM, 2, 8),
    ]
    print(f"{'answers per second':32}{'lean':>10}{'aiohttp':>10}{'ratio':>8}")
    with tempfile.TemporaryDirectory() as folder, upstream(program(options.upstream, Path(folder))) as url:
        for title, body, gap_ms, times in cases:
            found = uvloop.run(compare(url, body, gap_ms, options.concurrency * times, options))
            ratio = found["lean"] / found["aiohttp"]
            print(f"{title:32}{found['lean']:10,.0f}{found['aiohttp']:10,.0f}{ratio:8.2f}")


if __name__ == "__main__":
    main()
