"""`mesh up`: the control plane in this process, the workers in their own, granian between them and the network."""

from __future__ import annotations

import logging
import multiprocessing
import os
from collections.abc import Callable, Mapping
from functools import partial
from shutil import rmtree

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops, RuntimeModes
from granian.http import HTTP1Settings
from granian.log import LogLevels

from meshwright.kernel.config.tables import Config
from meshwright.kernel.published import Published
from meshwright.ledger.keys import MasterKey, ensure_master
from meshwright.server.control import Control
from meshwright.server.gate import Page
from meshwright.server.places import Places
from meshwright.server.worker import load
from meshwright.store.database import Database, sqlite_url
from meshwright.types.errors import StoreError

BACKLOG = 4096


def open_control(places: Places, environment: Mapping[str, str], config: Config) -> tuple[Control, MasterKey]:
    """The control plane with its database migrated and its first state published. Raises StoreError, ConfigError."""
    os.umask(0o077)  # all that this process and its workers write is for their user alone
    try:
        places.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{places.state} cannot be made: {error.strerror}.", fix="Set MESH_STATE_DIR to a writable folder."
        ) from error
    database = Database(config.store.url or sqlite_url(places.database))
    database.migrate()
    master = ensure_master(database, environment.get("MESH_MASTER_KEY") or None)
    control = Control(places, environment, database, config)
    control.import_journal()
    control.find_engines()
    return control, master


def run(control: Control, announce: Callable[[Published], None], page: Page) -> None:
    """Serve until SIGINT or SIGTERM; then finish the running requests and import the journal's rest."""
    multiprocessing.set_start_method("spawn", force=True)  # a fork would take this process's threads' locks along
    rmtree(control.places.metrics, ignore_errors=True)
    published = control.publish()
    settings = control.config.server
    server = Granian(
        "meshwright",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.RSGI,
        workers=settings.workers,
        loop=Loops.uvloop,
        runtime_mode=RuntimeModes.st,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            max_buffer_size=max(8_192, int(settings.max_header_kb * 1024)), pipeline_flush=False
        ),
        backlog=BACKLOG,
        backpressure=BACKLOG,
        websockets=True,
        log_level=LogLevels.warning,
        log_dictconfig=LOGGING,
        respawn_failed_workers=True,
        respawn_interval=0.5,
        workers_kill_timeout=max(1, int(settings.drain_seconds) + 5),
    )
    control.start()
    server.on_startup(lambda: announce(published))
    try:
        server.serve(target_loader=partial(load, control.places, dict(control.environment), page), wrap_loader=False)
    finally:
        control.stop()


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain", "stream": "ext://sys.stderr"}},
    "loggers": {
        "_granian": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        "meshwright": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
    },
}
logging.getLogger("meshwright").addHandler(logging.NullHandler())
