"""One provider's plug is pulled under load: nobody is failed whom another model could have served."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.failover.measured import Told, ask
from tests.gateway import Gateway

WORDS = " ".join(f"word{number}" for number in range(40))
CALLERS = 24
EACH = 12


@contextmanager
def provider(folder: Path, name: str, pace: int) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A pretend provider in a process of its own, and its address."""
    file = folder / f"{name}.toml"
    file.write_text(
        f'[[upstream]]\nname = "{name}"\ntokens_per_second = {pace}\n'
        f'[[upstream.script]]\nsay = {{ text = "{WORDS}" }}\n'
    )
    command = [sys.executable, "-m", "meshwright.cli.main", "sim", str(file), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = ""
    while not told.endswith("}\n") or told.count("{") != told.count("}"):
        line = process.stdout.readline()
        assert line, "it did not start"
        told += line
    try:
        yield process, json.loads(told)["upstreams"][0]["url"]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_plug_is_pulled_under_load_and_nobody_is_failed(tmp_path: Path):
    with provider(tmp_path, "plug", 400) as (process, plug), provider(tmp_path, "spare", 400) as (_, spare):
        toml = "[builtin]\nenabled = false\n"
        for name, url in (("plug", plug), ("spare", spare)):
            toml += f'[providers.{name}]\nbase_url = "{url}"\ndialect = "openai_chat"\nauth = "none"\nmodels = ["m"]\n'
        toml += '[routes.it]\nstrategy = "fixed"\npool = ["plug/m", "spare/m"]\non_break = "continue"\n'
        with Gateway(tmp_path, toml) as gateway:
            told: list[Told] = []
            served = threading.Event()

            def caller(number: int) -> None:
                for turn in range(EACH):
                    told.append(ask(gateway.url, "route/it", 40.0, stream=(number + turn) % 3 > 0))
                    served.set()

            threads = [threading.Thread(target=caller, args=(number,)) for number in range(CALLERS)]
            for thread in threads:
                thread.start()
            assert served.wait(30)
            time.sleep(0.4)
            process.send_signal(signal.SIGKILL)
            for thread in threads:
                thread.join()
            assert len(told) == CALLERS * EACH
            assert [one.error for one in told if one.error] == []
            assert {one.text for one in told} == {WORDS}
            kinds = [attempt["outcome"] for trace in gateway.stored() for attempt in trace.get("attempts", ())]
            assert len([kind for kind in kinds if kind != "ok"]) > 0, "nobody noticed"
