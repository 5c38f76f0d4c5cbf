"""What mesh.toml may say: every table, every field, its type and its default."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

import msgspec

from meshwright.types.model import Auth

Strategy = str


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[server]: where the gateway listens and what it accepts.

    `auth` "keys" asks every caller for a key; "open" asks nobody and is refused anywhere but on a loopback address;
    "auto" is "keys" when the address is not loopback or MESH_MASTER_KEY is set, else "open".
    """

    host: str = "127.0.0.1"
    port: int = 8400
    workers: int = 1
    auth: Literal["auto", "keys", "open"] = "auto"
    max_body_mb: float = 64.0
    max_upload_mb: float = 512.0
    max_header_kb: float = 64.0
    body_seconds: float = 60.0
    drain_seconds: float = 20.0
    allowed_hosts: tuple[str, ...] = ()
    """Host names besides the loopback ones that an open gateway answers to (against DNS rebinding)."""
    cors_origins: tuple[str, ...] = ()
    """Origins whose pages may ask from a browser; "*" with keys: all."""
    forward_to: str = ""
    """The provider that gets what names no model and is passed on as it is."""


class StoreSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[store]: the database. An empty `url` is SQLite in the state folder."""

    url: str = ""


class StateSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[state]: answers and conversations that callers come back to, whichever model goes on.

    `keep` "yes" keeps what OpenAI would: responses unless `store` is false, chats if it is true. "asked": only what
    asks for it (`store` true, `background`, a stored conversation). "no": nothing, the provider may. `days`: since the
    last use.
    """

    keep: Literal["yes", "asked", "no"] = "yes"
    days: float = 30.0


class LearningSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[learning]: what the router learns from answers that were given here. `labels` are worth a score (0..1).

    `enabled` false keeps nothing of questions and goes by nothing that was learned here; feedback is still kept.
    `judge` is a model that marks a `share` of the answers, for at most `budget` dollars a day.
    """

    enabled: bool = True
    judge: str = ""
    share: float = 0.02
    budget: Decimal = Decimal(1)
    labels: dict[str, float] = {}


class PrivacySettings(msgspec.Struct, frozen=True, kw_only=True):
    """[privacy]: whether the last question of a request is kept with its trace, redacted and encrypted, for `days`.

    "failures": of requests that did not end well.
    """

    keep_prompts: Literal["never", "failures", "all"] = "never"
    days: float = 7.0


class JournalSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[journal]: `sync` "process" survives a kill -9; "power" a power cut too, for an fsync each 100 ms."""

    sync: Literal["process", "power"] = "process"
    rotate_mb: float = 64.0


class BuiltinSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[builtin]: the models that need no provider."""

    enabled: bool = True
    seconds: float = 5.0


class BatchSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[batches]: requests in files, run on this gateway's own queue, at most `concurrency` at a time."""

    enabled: bool = True
    concurrency: int = 8


class AssumedPrice(msgspec.Struct, frozen=True, kw_only=True):
    """Dollars per million tokens."""

    input: Decimal
    output: Decimal


class BudgetSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[budgets]: what is set aside for calls of keys with a budget.

    `reserve`: without a `max_tokens`, "worst" sets aside the longest answer that a model gives; "likely" what nineteen
    of twenty answers stay below, once enough was seen. `unknown_longest`: a model of which nobody says how long its
    answers may be is told a maximum ("cap"), `output_tokens` or what is left of the budget, or refused ("refuse").
    `unpriced`: what a model without a known price is taken to cost; without it such a model is refused to keys with a
    budget.
    """

    output_tokens: int = 16_384
    reserve: Literal["worst", "likely"] = "worst"
    unknown_longest: Literal["cap", "refuse"] = "cap"
    unpriced: AssumedPrice | None = None


class TokenizerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[tokenizers]: files of tokenizers on this machine, to count by instead of estimating.

    `folder` holds files called after their models or families; `files` maps a model, a pattern of models, or "o200k"
    and "cl100k" (OpenAI's) to a file, and goes before the folder.
    """

    folder: str = ""
    files: dict[str, str] = {}


class DiscoverySettings(msgspec.Struct, frozen=True, kw_only=True):
    """[discovery]: looking for keys in the environment and for engines on this machine's usual ports."""

    keys: bool = True
    engines: bool = True
    engine_host: str = "127.0.0.1"
    seconds: float = 0.5
    every_seconds: float = 30.0


class FailureSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[failure]: how hard is tried, and when whom to leave alone; seconds. A route may differ in the first eight.

    See types.failing.Failing for those, resilience.breaker.Rests for the rests. `budget` is the share of the requests
    under way that may begin a second attempt within a second, `budget_least` what is always allowed. `adaptive`: find
    out how many calls a deployment takes at once. Up to `queue` requests wait for a place at one, each for
    `queue_seconds`.
    """

    retries: int = 1
    patience_seconds: float = 3.0
    first_token_seconds: float = 30.0
    request_seconds: float = 900.0
    on_break: Literal["error", "continue", "restart"] = "error"
    hedge: bool = False
    coalesce: bool = False
    balance: bool = False
    open_seconds: float = 5.0
    open_longest_seconds: float = 20.0
    budget: float = 0.2
    budget_least: int = 3
    adaptive: bool = True
    queue: int = 1024
    queue_seconds: float = 60.0


class AlsoSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[[providers.NAME.also]]: another address or key of the same provider, which shares the load of the first."""

    base_url: str | None = None
    key_env: str | None = None
    key_file: str | None = None


class ProviderSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[providers.NAME]: a service. A known name starts from its row; any other needs a `base_url`.

    Deadlines are in seconds, see net.transport.Deadlines.
    """

    base_url: str | None = None
    dialect: str | None = None
    models: tuple[str, ...] = ()
    key_env: str | None = None
    key_file: str | None = None
    auth: Auth | None = None
    api_version: str = ""
    """Of Azure's addresses with a deployment in them; "" uses the addresses below /openai/v1."""
    token_url: str = ""
    """Where tokens are asked for, in place of the cloud's own address."""
    token_scope: str = ""
    headers: dict[str, str] = {}
    quirks: tuple[str, ...] | None = None
    local: bool | None = None
    regions: tuple[str, ...] | None = None
    privacy: Literal["local", "no_training", "may_train", "unknown"] | None = None
    cache_seconds: int | None = None
    proxy: str | None = None
    ca_file: str | None = None
    enabled: bool = True
    connect_seconds: float = 10.0
    first_byte_seconds: float | None = None
    between_bytes_seconds: float | None = None
    total_seconds: float = 900.0
    first_token_seconds: float | None = None
    """How long a stream of its models may bring nothing useful while another model stands by."""
    concurrency: int | None = None
    """How many calls each of its models takes at once; None: that is found out."""
    on_leave: Literal["cancel", "finish"] | None = None
    """What is done with an answer whose client has left; None: what the provider's row says."""
    also: tuple[AlsoSettings, ...] = ()


class PriceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Dollars per million tokens. `above` is the number of input tokens from which this price holds."""

    input: Decimal | None = None
    output: Decimal | None = None
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    cache_write_1h: Decimal | None = None
    audio_input: Decimal | None = None
    audio_output: Decimal | None = None
    above: int = 0


class ModelSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[models."PROVIDER/NAME"]: facts that correct or complete a model's card."""

    upstream: str | None = None
    window: int | None = None
    max_output: int | None = None
    abilities: dict[str, bool] = {}
    skills: dict[str, float] = {}
    price: tuple[PriceSettings, ...] = ()
    regions: tuple[str, ...] | None = None
    privacy: Literal["local", "no_training", "may_train", "unknown"] | None = None
    licence: str | None = None
    aliases: tuple[str, ...] = ()
    enabled: bool = True


class RuleSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[guards.rules.NAME]: how a guard goes about it. `guard` is which one, if that is not the rule's name.

    `action` and `fail` default to the guard's own; `unseen` is what becomes of what no guard can read, where it is
    passed on; `places` is where it looks, `kinds` what it looks for, `without` what it does not look for. `schema` is a
    JSON schema, as a table or as text; with `tool` it is for the arguments of calls of tools of that name (`*` is any
    ending), else for the answer. `privacy` and `regions` are what a model must be when it found something.
    """

    guard: str = ""
    action: Literal["flag", "mask", "block", "repair"] | None = None
    fail: Literal["closed", "open"] | None = None
    unseen: Literal["pass", "block"] = "pass"
    places: tuple[Literal["system", "user", "assistant", "tool", "answer"], ...] = ()
    kinds: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    threshold: float | None = None
    schema: dict[str, Any] | str = ""
    tool: str = ""
    privacy: tuple[Literal["local", "no_training", "may_train", "unknown"], ...] = ()
    regions: tuple[str, ...] = ()


class GuardSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[guards], and [routes.NAME.guards]: the rules that are on, and what they say. `off`: not on this route.

    `teams` are rules that are on besides for callers of a team, or for one key by its id; in [guards] only.
    """

    on: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    teams: dict[str, tuple[str, ...]] = {}
    rules: dict[str, RuleSettings] = {}


class CacheSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[routes.NAME.cache]: answers that are given again for `seconds`. `share`: with whom.

    `tools` keeps answers that call tools too, `sampled` those to requests that ask for chance. `alike` (0..1) is how
    alike another question must be to get the same answer; 0: it must be the same. `database`: other workers, and the
    next life of this one, give it too.
    """

    on: bool = False
    seconds: float = 3600.0
    share: Literal["key", "team", "all"] = "key"
    tools: bool = False
    sampled: bool = False
    alike: float = 0.0
    database: bool = False


class KeptSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[cache]: the room that all kept answers have in each worker's memory."""

    memory_mb: float = 64.0


class RouteSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[routes.NAME]: a strategy over a pool, asked for as "route/NAME" (and "auto" for the route of that name).

    An empty `pool` is every model that is served; a name may end in `*`. `regions` and `privacy` are hard: a model
    whose region or privacy is not known does not pass. `attempts` bounds the fallback chain.

    Strategies over steps take `steps` in place of a pool: routes ("route/NAME"), models or patterns. `by` is who
    judges, fuses or advises; `weights` and `examples` go by the names of steps.
    """

    strategy: Strategy = "task"
    pool: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    privacy: tuple[Literal["local", "no_training", "may_train", "unknown"], ...] = ()
    require: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    max_cost: Decimal | None = None
    max_seconds: float | None = None
    min_window: int | None = None
    floor: float = 0.0
    attempts: int = 3
    repair: bool = False
    retries: int | None = None
    patience_seconds: float | None = None
    first_token_seconds: float | None = None
    request_seconds: float | None = None
    on_break: Literal["error", "continue", "restart"] | None = None
    hedge: bool | None = None
    coalesce: bool | None = None
    balance: bool | None = None
    steps: tuple[str, ...] = ()
    by: str = ""
    weights: dict[str, float] = {}
    examples: dict[str, tuple[str, ...]] = {}
    options: dict[str, str | int | float | bool] = {}
    guards: GuardSettings = GuardSettings()
    cache: CacheSettings = CacheSettings()


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file. Without one, every default holds."""

    server: ServerSettings = ServerSettings()
    store: StoreSettings = StoreSettings()
    state: StateSettings = StateSettings()
    learning: LearningSettings = LearningSettings()
    budgets: BudgetSettings = BudgetSettings()
    privacy: PrivacySettings = PrivacySettings()
    journal: JournalSettings = JournalSettings()
    builtin: BuiltinSettings = BuiltinSettings()
    batches: BatchSettings = BatchSettings()
    discovery: DiscoverySettings = DiscoverySettings()
    failure: FailureSettings = FailureSettings()
    providers: dict[str, ProviderSettings] = {}
    models: dict[str, ModelSettings] = {}
    routes: dict[str, RouteSettings] = {}
    guards: GuardSettings = GuardSettings()
    cache: KeptSettings = KeptSettings()
    tokenizers: TokenizerSettings = TokenizerSettings()
