"""The control plane: owns the database, reads the configuration, finds engines, publishes, and imports the journal."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import msgspec

from meshwright.kernel.build.snapshot import build
from meshwright.kernel.config.check import check, loopback
from meshwright.kernel.config.read import read_config
from meshwright.kernel.config.tables import Config
from meshwright.kernel.learning import router_files
from meshwright.kernel.published import LocalServer, Published, publish
from meshwright.ledger.importing import Importer
from meshwright.net.choose import OneTransport
from meshwright.providers import PROVIDERS
from meshwright.providers.discover import discover
from meshwright.server.auditing import note_config, seal_and_sign
from meshwright.server.batching import due, forget_files, run_batches
from meshwright.server.calibrating import Calibrating
from meshwright.server.learning import Learning, budgets
from meshwright.server.places import Places
from meshwright.server.sweep import sweep
from meshwright.server.trouble import Trouble
from meshwright.store import allowances, keys, limits, parties
from meshwright.store.database import Database, Transaction
from meshwright.store.rows import Key, LearnedLimit, Party
from meshwright.types.errors import ConfigError, MeshError
from meshwright.types.principal import Allowance

AUDIT_SECONDS = 30.0
CALIBRATE_SECONDS = 20.0
BATCH_SECONDS = 0.5
FILES_SECONDS = 300.0
IMPORT_SECONDS = 0.2
SWEEP_SECONDS = 10.0
LEARN_SECONDS = 0.5
WATCH_SECONDS = 0.5
LOW_PRIORITY = 15
LEARNED_DAYS = 30
_log = logging.getLogger("meshwright.control")
_Known = tuple[tuple[Key, ...], tuple[Party, ...], tuple[Allowance, ...], tuple[LearnedLimit, ...]]


def load_config(file: Path | None, environment: Mapping[str, str]) -> Config:
    """The configuration, checked. Without a file the defaults hold. Raises ConfigError."""
    try:
        text = file.read_text(encoding="utf-8") if file is not None else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError.of(f"{file} cannot be read: {error}.", fix="Give the right file to --config.") from error
    source = str(file) if file is not None else "defaults"
    config = read_config(text, source, environment)
    check(config, text, source, environment)
    return config


class Control:
    """The control plane of one machine, in the process that starts the workers."""

    def __init__(self, places: Places, environment: Mapping[str, str], database: Database, config: Config) -> None:
        self.places = places
        self.environment = environment
        self.database = database
        self.config = config
        self.engines: tuple[LocalServer, ...] = ()
        self.version = 0
        self._importer = Importer(places.journal, database)
        self._learning = Learning(places.router, database)
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._seen = self._stamp()
        self._known: _Known | None = None
        self._publishing = threading.Lock()
        self._noted: Config | None = None
        self._calibrating = Calibrating(database)
        self._router_version = router_files.current(places.router)
        self._router = router_files.weights(places.router)

    def find_engines(self) -> bool:
        """Look for local engines; whether anything has changed."""
        settings = self.config.discovery
        if not settings.engines:
            return False

        async def look() -> tuple[LocalServer, ...]:
            transport = OneTransport()
            try:
                found = await discover(tuple(PROVIDERS.values()), transport, settings.engine_host, settings.seconds)
            finally:
                await transport.close()
            return tuple(LocalServer(provider=one.provider, base_url=one.base_url, models=one.models) for one in found)

        before, self.engines = self.engines, asyncio.run(look())
        return before != self.engines

    def publish(self) -> Published:
        """Give the workers the state as it is now."""
        with self._publishing:  # three threads may have a reason at once
            if self.config is not self._noted:
                note_config(self.database, self.config, "control")
                self._noted = self.config
            self.version += 1
            published = self.state()
            publish(published, self.places.published)
            self._known = (published.keys, published.parties, published.allowances, published.limits)
            return published

    def state(self) -> Published:
        """What is to be published now."""
        return self._state(self.config)

    def _state(self, config: Config) -> Published:
        with self.database.read() as transaction:
            records, owners, allowed, learned = self._read(transaction)
        return Published(
            version=self.version,
            config=config,
            open=is_open(config, self.environment),
            keys=records,
            parties=owners,
            allowances=allowed,
            engines=self.engines,
            limits=learned,
            router=self._router,
            calibration=self._calibrating.known,
        )

    def _read(self, transaction: Transaction) -> _Known:
        """What is published of the database."""
        return (
            keys.every(transaction),
            parties.every(transaction),
            allowances.every(transaction),
            self._limits(transaction),
        )

    def _limits(self, transaction: Transaction) -> tuple[LearnedLimit, ...]:
        """What was learned of late: nobody would find out that a limit was raised if it were believed for ever."""
        since = time.time() - LEARNED_DAYS * 86_400
        return tuple(limit for limit in limits.every(transaction) if limit.at > since)

    def start(self) -> None:
        """Begin to import, to watch the file, and to look for engines, each in its thread."""
        self._run("import", IMPORT_SECONDS, self.import_journal)
        self._run("watch", WATCH_SECONDS, self.reload)
        self._run("keys", WATCH_SECONDS, self.renew_keys)
        self._run("calibration", CALIBRATE_SECONDS, self.calibrate)
        self._run("router", WATCH_SECONDS, self.renew_router)
        self._run("learning", LEARN_SECONDS, self._learn)
        if self.config.batches.enabled:
            self._run("batches", BATCH_SECONDS, self._run_batches)
        self._run("files", FILES_SECONDS, partial(forget_files, self.database))
        self._run("audit", AUDIT_SECONDS, partial(seal_and_sign, self.database, self.places.audit))
        self._run("sweep", SWEEP_SECONDS, lambda: sweep(self.database, self.config.privacy.days))
        if self.config.discovery.engines and self.config.discovery.every_seconds > 0:
            self._run("engines", self.config.discovery.every_seconds, self._look_again)

    def stop(self) -> None:
        """End the threads, then import what is left."""
        self._stop.set()
        for thread in self._threads:
            thread.join(5)
        self.import_journal()
        self.database.close()

    def import_journal(self) -> None:
        """Everything in the journal into the database."""
        done = self._importer.run_once()
        if done.damaged or done.interrupted:
            _log.warning("journal: %d requests interrupted, %d lines damaged", done.interrupted, done.damaged)

    def reload(self) -> None:
        """Read the file again when it has changed; a wrong one is refused whole, and the old one stays."""
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            config = load_config(self.places.config, self.environment)
        except ConfigError as error:
            _log.error("the changed configuration is refused, the old one stays:\n%s", error)
            return
        if config.server != self.config.server:
            _log.warning("[server] has changed: that part needs a restart")
            config = msgspec.structs.replace(config, server=self.config.server)
        refused = self._unbuildable(config)
        if refused:
            _log.error("the changed configuration is refused, the old one stays:\n%s", refused)
            return
        self.config = config
        published = self.publish()
        _log.info("configuration reloaded: snapshot %d", published.version)

    def renew_keys(self) -> None:
        """Publish again when the database has other keys or limits than before, by whichever process."""
        with self.database.read() as transaction:
            known = self._read(transaction)
        if known != self._known:
            published = self.publish()
            _log.info("keys or limits have changed: snapshot %d", published.version)

    def renew_router(self) -> None:
        """Publish again when other router weights were adopted, by whichever process."""
        version = router_files.current(self.places.router)
        if version != self._router_version:
            self._router, self._router_version = router_files.weights(self.places.router), version
            published = self.publish()
            _log.info("the router goes by version %d: snapshot %d", version, published.version)

    def calibrate(self) -> None:
        """Learn how far off predictions have been of late, and publish when that is another answer than before."""
        if self._calibrating.learn():
            self.publish()

    def _unbuildable(self, config: Config) -> str:
        """Why workers could not serve this configuration, "" when they can: better told here than by every one."""
        try:
            build(self._state(config), self.environment, OneTransport(), None)
        except MeshError as error:
            return str(error)
        return ""

    def _learn(self) -> None:
        self._learning.look(self.config.learning.enabled, self.config.learning.labels, budgets(self.config))

    def _run_batches(self) -> None:
        if due(self.database):
            asyncio.run(run_batches(self.places, self.environment, self.database, self._stop.is_set))

    def _look_again(self) -> None:
        if self.find_engines():
            self.publish()

    def _stamp(self) -> tuple[int, int] | None:
        file = self.places.config
        try:
            stat = file.stat() if file is not None else None
        except OSError:
            return None
        return (stat.st_mtime_ns, stat.st_size) if stat else None

    def _run(self, name: str, seconds: float, work: Callable[[], None]) -> None:
        def loop() -> None:
            if hasattr(os, "setpriority"):  # on Linux a thread has a priority of its own: requests go first
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOW_PRIORITY)
            trouble = Trouble(_log, name)
            while not self._stop.wait(seconds):
                try:
                    work()
                except MeshError as error:
                    trouble.error(error)
                except Exception as error:  # noqa: BLE001  # told with its trace; else nothing more is imported
                    trouble.exception(error)
                else:
                    trouble.over()

        thread = threading.Thread(target=loop, name=f"mesh-{name}", daemon=True)
        thread.start()
        self._threads.append(thread)


def is_open(config: Config, environment: Mapping[str, str]) -> bool:
    """Whether callers need no key: only ever on loopback (`check` has refused the rest)."""
    if config.server.auth == "auto":
        return loopback(config.server.host) and not environment.get("MESH_MASTER_KEY")
    return config.server.auth == "open"
