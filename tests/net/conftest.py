"""Every test of a transport runs four times: both transports, on asyncio's own loop and on uvloop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import uvloop

from meshwright.net.lean import LeanTransport
from meshwright.net.pooled import AiohttpTransport
from meshwright.net.transport import Transport


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loops that tests of this folder run on."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(params=["lean", "aiohttp"])
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[Transport]:
    """A transport, closed afterwards."""
    made: Transport = LeanTransport() if request.param == "lean" else AiohttpTransport()
    yield made
    await made.close()


@pytest.fixture
async def lean() -> AsyncIterator[LeanTransport]:
    """The lean transport, for what only it promises."""
    made = LeanTransport()
    yield made
    await made.close()
