"""What a case file means, as immutable values that remember where they stand in it."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

from attrs import field, frozen
from attrs.validators import ge, le, optional

from sisyphus.comparable import Comparable
from sisyphus.errors import Mark, StepError

# A field that may be written as a template keeps its text until the step runs.
Number = float | str
Flag = bool | str
Fields = Mapping[str, Any] | list[Any] | str | None  # of a form or a query; a list has pairs


class Absent(enum.Enum):
    """The type of `ABSENT`."""

    ABSENT = "absent"

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent.ABSENT
"""Nothing was written or found here, which is not the same as null."""

NOWHERE: Final = Mark("<memory>", 1, 1)


@frozen(kw_only=True, eq=False, repr=False)
class Function(Comparable):
    """A function for templates to call that is not built-in, and where it is defined."""

    name: str
    call: Callable[..., Any]
    where: Mark = NOWHERE


@frozen(kw_only=True, eq=False, repr=False)
class Check(Comparable):
    """One validation; `and`, `or` and `not` hold others in `checks`."""

    op: str
    source: Literal["header", "cookie"] | None = None  # if given, `path` is its name
    path: str | None = None
    expect: Any = ABSENT
    description: str | None = None
    error_message: str | None = None
    checks: tuple[Check, ...] = ()
    where: Mark = NOWHERE


@frozen(kw_only=True, eq=False, repr=False)
class Extractor(Comparable):
    """Takes a value out of a result and gives it a name."""

    name: str
    type: str = "jsonpath"
    path: str | None = None
    pattern: str | None = None
    group: int | str | None = None
    index: int | None = None
    extract_all: bool = False
    default: Any = ABSENT
    condition: Any = None
    scope: Literal["case", "step"] = "case"
    always: bool = False
    where: Mark = NOWHERE


@frozen(kw_only=True, eq=False, repr=False)
class Retry(Comparable):
    """When a failed attempt is made again; delays are in seconds."""

    max_attempts: int = field(default=3, validator=ge(0))  # tries after the first
    strategy: Literal["exponential", "fixed", "linear"] = "exponential"
    base_delay: float = field(default=1.0, validator=ge(0))
    max_delay: float = field(default=60.0, validator=ge(0))
    backoff_multiplier: float = field(default=2.0, validator=ge(0))
    jitter: bool = False
    retry_on: tuple[str, ...] | None = None  # None: everything but errors of the case itself
    stop_on: tuple[str, ...] = ()


@frozen(kw_only=True, eq=False, repr=False)
class Auth(Comparable):
    """How a request proves who sends it; which fields are used depends on `type`."""

    type: Literal["basic", "bearer", "digest", "api_key"]
    username: str | None = None
    password: str | None = None
    token: str | None = None
    key: str | None = None
    value: str | None = None
    location: Literal["header", "query"] = "header"
    where: Mark = NOWHERE


@frozen(kw_only=True, eq=False, repr=False)
class ClientCert(Comparable):
    """What a request shows a server that asks who it is: files of PEM; an empty `cert` is none."""

    cert: str
    key: str | None = None  # None: it is in `cert`
    password: str | None = None
    where: Mark = NOWHERE


@frozen(kw_only=True, eq=False, repr=False)
class Upload(Comparable):
    """One file of a multipart form."""

    field: str
    path: str
    filename: str | None = None
    content_type: str | None = None


@frozen(kw_only=True, eq=False, repr=False)
class MockFailure(Comparable):
    """How an answer goes wrong on purpose, and how often; `delay` is that of `large_delay`, in seconds."""

    failure_type: Literal[
        "timeout", "connection_error", "http_error", "empty_response", "malformed_json", "large_delay"
    ]
    probability: float = field(default=1.0, validator=[ge(0), le(1)])
    status_code: int | str = 500
    delay: float = field(default=60.0, validator=ge(0))


@frozen(kw_only=True, eq=False, repr=False)
class MockResponse(Comparable):
    """One canned answer; `body` is sent as JSON unless it is text, `file` as it is.

    It comes after `delay` seconds, or, if there is a `max_delay`, after some time between the two.
    """

    status_code: int | str = 200  # text is a template
    headers: Mapping[str, Any] = field(factory=dict)
    body: Any = ABSENT
    file: str | None = None
    delay: float = field(default=0.0, validator=ge(0))
    max_delay: float | None = field(default=None, validator=optional(ge(0)))
    failure: MockFailure | None = None


@frozen(kw_only=True, eq=False, repr=False)
class MockChoice(Comparable):
    """What a step's own mock answers if the condition holds, in turn; without one, in any case."""

    condition: Any = None
    responses: tuple[MockResponse, ...] = (MockResponse(),)
    where: Mark = NOWHERE


@frozen(kw_only=True, eq=False, repr=False)
class StepMock(Comparable):
    """What answers a step in place of the network: the first choice that holds."""

    enabled: Flag = True
    choices: tuple[MockChoice, ...] = ()
    where: Mark = NOWHERE


class StepSpec(Comparable):
    """Base of the classes that say what a step of one type does (`sisyphus.steps`)."""

    __slots__ = ()


@frozen(kw_only=True, eq=False, repr=False)
class Request(StepSpec):
    """What a `request` step sends; every text in it may hold templates."""

    url: str
    method: str = "GET"
    params: Fields = None
    headers: Mapping[str, Any] | str | None = None
    cookies: Fields = None
    body: Any = ABSENT
    json: Any = ABSENT
    data: Fields | Absent = ABSENT
    files: tuple[Upload, ...] = ()
    auth: Auth | None = None
    verify_ssl: Flag | None = None
    proxy: str | None = None  # empty: none, whatever config says
    cert: ClientCert | None = None
    http2: Flag | None = None
    follow_redirects: Flag | None = None
    stream_limit: Number = 10 * 1024 * 1024
    mock: StepMock | None = None
    where: Mark = NOWHERE


@frozen(kw_only=True, eq=False, repr=False)
class Step(Comparable):
    """One step: what every type shares, and in `spec` what its type does."""

    name: str
    spec: StepSpec
    type: str = "request"
    id: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    enabled: Flag = True
    skip_if: Any = None
    only_if: Any = None
    depends_on: tuple[str, ...] = ()
    timeout: Number | Absent | None = ABSENT  # ABSENT: the case's own; None or 0: no limit
    retry: Retry | None = None
    checks: tuple[Check, ...] = ()
    extractors: tuple[Extractor, ...] = ()
    variables: Mapping[str, Any] = field(factory=dict)
    setup: tuple[Step, ...] = ()
    teardown: tuple[Step, ...] = ()
    on_failure: Literal["continue", "stop"] = "continue"
    where: Mark = NOWHERE


@frozen(kw_only=True, eq=False, repr=False)
class WebSocket(Comparable):
    """How a run is watched; None means: not said here."""

    enabled: bool = False
    host: str | None = None
    port: int | None = field(default=None, validator=optional([ge(0), le(65535)]))
    send_progress: bool = True
    send_logs: bool = True
    send_variables: bool = False


@frozen(kw_only=True, eq=False, repr=False)
class Route(Comparable):
    """Which requests the mock server answers, and how.

    `responses` are given in turn, the last one ever after; `else_response` where all but the condition holds.
    """

    path: str
    match_type: Literal["exact", "regex", "contains"] = "exact"
    method: str = "GET"
    name: str | None = None
    priority: int = 0  # the highest is asked first
    query_params: Mapping[str, Any] = field(factory=dict)
    headers: Mapping[str, Any] = field(factory=dict)
    body_pattern: Any = ABSENT
    body_match_type: Literal["contains", "regex", "exact", "json", "jsonpath"] = "contains"
    condition: Any = None
    responses: tuple[MockResponse, ...] = (MockResponse(),)
    else_response: MockResponse | None = None
    where: Mark = NOWHERE


@frozen(kw_only=True, eq=False, repr=False)
class MockServer(Comparable):
    """A server the case brings with it.

    Attributes:
        seed: makes what it draws by lot repeatable.
        functions: what its templates may call besides the built-in functions.
    """

    host: str = "127.0.0.1"
    port: int = field(default=0, validator=[ge(0), le(65535)])
    routes: tuple[Route, ...] = ()
    default_response: MockResponse | None = None
    seed: int | None = None
    faker_locale: str | None = None
    functions: Mapping[str, Function] = field(factory=dict)
    folder: str = "."  # what its files are relative to
    root: str = "."  # the project's folder, which they may not leave
    where: Mark = NOWHERE


@frozen(kw_only=True, eq=False, repr=False)
class Output(Comparable):
    """Where the result goes if the command line does not say, and how much of it."""

    formats: tuple[str, ...] = ("json",)
    path: str | None = None
    include_request: bool = True
    include_response: bool = True


@frozen(kw_only=True, eq=False, repr=False)
class Config(Comparable):
    """Settings of one case after the project file, the profile and the command line had their say."""

    name: str | None = None
    description: str | None = None
    version: str | None = None
    author: str | None = None
    base_url: str | None = None
    timeout: Number | None = 30.0
    case_timeout: float | None = None
    retry: Retry | None = None
    variables: Mapping[str, Any] = field(factory=dict)
    profile: str | None = None
    profile_values: Mapping[str, Any] = field(factory=dict)
    headers: Mapping[str, Any] = field(factory=dict)
    verify_ssl: Flag = True
    proxy: str | None = None
    cert: ClientCert | None = None
    http2: Flag = False
    follow_redirects: Flag = True
    websocket: WebSocket = WebSocket()
    mock_server: MockServer | None = None
    connections: Mapping[str, Any] = field(factory=dict)  # databases by name: maps or URLs
    output: Output = Output()
    compat: Literal["legacy"] | None = None
    sensitive_fields: tuple[str, ...] = ()
    masking_strategy: Literal["full", "partial", "none"] = "full"
    seed: int | None = None
    faker_locale: str | None = None
    raw: Mapping[str, Any] = field(factory=dict)  # as written and merged, what ${config.…} reads


@frozen(kw_only=True, eq=False, repr=False)
class DataSource(Comparable):
    """Where the rows of a case come from; those of files were read when it was loaded.

    Attributes:
        above: the names of variables that win over those of a row.
    """

    type: Literal["csv", "json", "database", "inline"]
    rows: Sequence[Mapping[str, Any]] = ()
    database: Any = None
    sql: str | None = None
    params: Any = None
    prefix: str = ""
    above: frozenset[str] = frozenset()
    where: Mark = NOWHERE


@frozen(kw_only=True, eq=False, repr=False)
class Row(Comparable):
    """The row that a case runs with, one of `total`."""

    source: DataSource
    values: Mapping[str, Any]
    index: int
    total: int

    @property
    def is_written(self) -> bool:
        """Whether it stands in the case file, where templates are meant as such."""
        return self.source.type == "inline"

    def variables(self) -> dict[str, Any]:
        """What the row gives to the case, where nothing else wins over it."""
        source = self.source
        named = {f"{source.prefix}{column}": value for column, value in self.values.items()}
        named |= {"_data_index": self.index, "_data_total": self.total}
        return {name: value for name, value in named.items() if name not in source.above}


@frozen(kw_only=True, eq=False, repr=False)
class Case(Comparable):
    """One case file, ready to run."""

    name: str
    file: str
    root: str  # the project's folder: what files and includes may not leave
    description: str | None = None
    tags: tuple[str, ...] = ()
    enabled: bool = True
    config: Config = Config()
    setup: tuple[Step, ...] = ()
    steps: tuple[Step, ...] = ()
    teardown: tuple[Step, ...] = ()
    functions: Mapping[str, Function] = field(factory=dict)  # besides the built-in ones
    data: DataSource | None = None
    row: Row | None = None
    trouble: StepError | None = None  # why it cannot be run
    warnings: tuple[str, ...] = ()
    where: Mark = NOWHERE
