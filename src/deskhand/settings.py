"""Every setting: its name in the environment is `DESKHAND_` and the field's name in capitals. Validated once, at start.

An unknown variable with that prefix, or a value that is not allowed, stops the start with the variable's name and what is allowed.
A secret may also be in a file, which `DESKHAND_<NAME>_FILE` names, as containers and systemd hand them over.
"""

import os
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, InitSettingsSource, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

import deskhand
from deskhand import failpoints
from deskhand.errors import ConfigurationError
from deskhand.sealing import Sealer

PREFIX = "DESKHAND_"
_SHORTEST_SECRET = 32


class Environment(StrEnum):
    DEVELOPMENT = "development"
    TESTING = "testing"
    STAGING = "staging"
    PRODUCTION = "production"


class LogLevel(StrEnum):
    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


def _split_commas(value: Any) -> Any:
    if isinstance(value, str):
        return [item.strip() for item in value.split(",") if item.strip()]
    return value


def _split_bars(value: Any) -> Any:
    if isinstance(value, str):
        return [item.strip() for item in value.split("|") if item.strip()]
    return value


_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@\s]+")


def _origin(value: str) -> str:
    """As browsers write it, or it would match none of them."""
    origin = value.lower().rstrip("/")
    for scheme, port in (("http", 80), ("https", 443)):
        if origin.startswith(f"{scheme}://"):
            origin = origin.removesuffix(f":{port}")
    if value != "*" and not _ORIGIN.fullmatch(origin):
        raise ValueError(f"{value!r} is no origin; 'https://shop.example.com', with a port where it is not the usual one, and '*' are")
    return origin


Origin = Annotated[str, AfterValidator(_origin)]
BarList = Annotated[list[str], NoDecode, BeforeValidator(_split_bars)]
CommaList = Annotated[list[str], NoDecode, BeforeValidator(_split_commas)]


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", extra="ignore", env_ignore_empty=True, frozen=True, allow_inf_nan=False
    )

    # What is running
    app_name: str = Field("Deskhand", min_length=1, max_length=80, description="The name on pages and in logs.")
    app_version: str = Field(deskhand.__version__, min_length=1, max_length=40, description="The version that is shown.")
    environment: Environment = Field(
        Environment.DEVELOPMENT,
        description="What runs here. `development` migrates at start and loads samples; `production` insists on secrets.",
    )
    debug: bool = Field(False, description="Interactive API docs, tracebacks and the text of faults. Never in production.")
    log_level: LogLevel = Field(LogLevel.INFO, description="The least important entry that is logged.")

    # Where it listens
    api_host: str = Field("127.0.0.1", description="The address to listen on; `0.0.0.0` for all.")
    api_port: int = Field(8080, ge=0, le=65535, description="The port to listen on; 0 takes any free one.")
    api_prefix: str = Field("/api", pattern=r"^(/[a-z0-9_-]+)+$", description="Where the API's paths begin.")
    cors_origins: Annotated[list[Origin], NoDecode, BeforeValidator(_split_commas)] = Field(
        [], description="Sites whose pages may call the API; `*` for any."
    )
    cors_allow_credentials: bool = Field(False, description="Whether those pages may send cookies.")
    trusted_proxies: CommaList = Field([], description="Addresses or networks of proxies whose `X-Forwarded-For` is believed.")

    # Where it keeps things
    data_dir: Path = Field(Path("data"), description="The folder for the SQLite file, the staff key, logs and a large search index.")
    database_url: SecretStr | None = Field(
        None, description="`postgresql://user:password@host/name` or `sqlite:////path/to/file.db`. Unset: a file in the data folder."
    )
    database_pool_size: int = Field(10, ge=1, le=200, description="Connections to PostgreSQL at most.")
    database_pool_overflow: int = Field(
        0, ge=0, le=200, description="Connections beyond that which are opened under load, and closed again."
    )
    database_pool_wait_seconds: float = Field(5, gt=0, le=60, description="How long a request waits for a free connection to PostgreSQL.")
    database_recycle_seconds: float = Field(1_800, ge=10, description="The age at which a connection to PostgreSQL is replaced.")
    database_statement_seconds: float = Field(10, gt=0, le=3_600, description="How long one statement may take on PostgreSQL.")
    database_lock_seconds: float = Field(5, gt=0, le=3_600, description="How long a statement waits for a lock on PostgreSQL.")
    database_idle_seconds: float = Field(30, gt=0, le=3_600, description="After how long PostgreSQL ends a transaction that does nothing.")
    database_application_name: str = Field(
        "deskhand", pattern=r"^[!-~]{1,63}$", description="What connections are called in `pg_stat_activity`."
    )
    database_prepared_statements: bool = Field(
        True, description="Whether statements stay prepared on PostgreSQL. Switch it off behind PgBouncer in transaction mode."
    )
    redis_url: SecretStr | None = Field(
        None,
        description="Redis for all that instances share: `redis://user:password@host:6379/0`, "
        "`redis+sentinel://host:26379,host:26379/service` or `redis+cluster://host:6379,host:6379`; `rediss` for TLS. Unset: in memory.",
    )
    redis_ca_file: Path | None = Field(None, description="The certificates that a Redis with TLS is trusted by. Unset: the system's.")
    redis_encryption_keys: SecretStr | None = Field(
        None,
        description="Keys to encrypt what is kept in Redis, each 32 bytes in Base64 (`openssl rand -base64 32`), with commas between. "
        "The first one encrypts, all decrypt. Unset: plain JSON.",
    )
    backup_encryption_keys: SecretStr | None = Field(
        None,
        description="Keys to encrypt backups, each 32 bytes in Base64 (`openssl rand -base64 32`), with commas between. "
        "The first one encrypts, all decrypt. Unset: plain ZIP archives.",
    )
    cache_redis_url: SecretStr | None = Field(None, description="Redis for the cache, when it is not the one above.")
    session_redis_url: SecretStr | None = Field(None, description="Redis for sessions, when it is not the one above.")
    session_ttl_seconds: int = Field(86_400, ge=60, description="How long the agent keeps an idle session at hand. The transcript stays.")
    session_key_prefix: str = Field("deskhand:session:", min_length=1, max_length=80, description="What session keys in Redis begin with.")
    session_store_max_sessions: int = Field(10_000, ge=1, description="Sessions kept at hand in memory at most.")

    # Limits
    rate_limit_enabled: bool = Field(True, description="Whether requests are counted and limited.")
    rate_limit_requests: int = Field(120, ge=1, description="Requests a client may make in a period.")
    rate_limit_period_seconds: int = Field(60, ge=1, description="The length of that period.")
    message_max_characters: int = Field(10_000, ge=1, le=1_000_000, description="The longest message a customer may send.")
    request_max_bytes: int = Field(1_000_000, ge=1_000, description="The largest request without files.")
    upload_max_bytes: int = Field(10_000_000, ge=1_000, description="The largest file.")
    upload_max_files: int = Field(5, ge=1, le=50, description="Files in one message at most.")
    queue_limit: int = Field(5, ge=1, le=100, description="Messages of a session that may wait while an answer runs.")

    # The desk
    desk_assignment: Literal["manual", "round_robin"] = Field(
        "manual", description="Whether people take conversations themselves, or whoever is online and free is given the next one."
    )
    desk_answer_minutes: float = Field(
        15, gt=0, le=10_080, description="Within how long a person should answer for the first time. Urgent: a fifth of it."
    )

    desk_resolve_minutes: float = Field(
        1_440, gt=0, le=525_600, description="Within how long a case that was handed over should be resolved. Urgent: a fifth of it."
    )

    # The turn
    turn_timeout_seconds: float = Field(120, gt=0, description="How long an answer may take.")
    turn_lease_seconds: float = Field(15, gt=1, description="How long a turn belongs to a process that gives no sign of life.")
    turn_max_attempts: int = Field(3, ge=1, le=10, description="How often a turn is begun when processes die on it.")
    turn_concurrency: int = Field(256, ge=1, description="Answers that one process works on at the same time.")
    turn_max_rounds: int = Field(8, ge=1, le=64, description="Calls of the model in one turn.")
    turn_max_tool_calls: int = Field(16, ge=1, le=256, description="Calls of tools in one turn.")
    turn_max_output_tokens: int = Field(2_048, ge=16, description="Tokens of one answer.")
    turn_max_total_tokens: int = Field(60_000, ge=1_000, description="Tokens of one turn, read and written, over all rounds.")
    context_messages: int = Field(20, ge=2, le=500, description="Messages of the conversation that the model is shown.")
    drain_seconds: float = Field(10, ge=0, description="How long running answers may go on after the server was told to stop.")

    # The model
    model: str = Field(
        "quoting",
        min_length=1,
        description="`quoting` answers with sentences of your documents; `openai:<name>` is any OpenAI-compatible server.",
    )
    model_base_url: str | None = Field(None, description="The address of that server, up to `/chat/completions`. Unset: OpenAI's own.")
    model_api_key: SecretStr | None = Field(None, description="The key for that server.")
    model_idle_seconds: float = Field(20, gt=0, description="How long the model may be silent before and within an answer.")
    model_breaker_failures: int = Field(
        5, ge=1, description="Calls that fail one after another before the model's server is left alone for half a minute."
    )
    model_fallbacks: CommaList = Field([], description="Models to ask when the first one fails.")
    agent_tools: CommaList = Field(
        ["search_knowledge", "read_attachment", "remember", "recall", "forget", "escalate_to_human"],
        description="The tools the agent may use.",
    )
    link_hosts: CommaList = Field(
        [], description="Hosts that answers may always link to, such as `help.example.com`. Others only by an address in a document."
    )
    agent_instructions: str = Field("", max_length=20_000, description="Your own instructions to the model, added to ours.")
    evidence_gate: Literal["off", "mark", "block"] = Field(
        "block",
        description="What happens to a sentence of an answer that has no evidence: nothing (`off`), a note in the answer's metadata "
        "(`mark`), or it is not shown (`block`) and the model is asked again.",
    )
    evidence_withheld: Literal["say_less", "hand_over"] = Field(
        "say_less", description="What follows when a sentence has no evidence again: it is left out, or a person takes over as well."
    )
    company_name: str = Field("our company", min_length=1, max_length=120, description="For whom the agent speaks.")
    # On the empty chat page; separated by "|" in the environment.
    chat_suggestions: BarList = Field(
        ["How do I reset my password?", "Where can I find my invoices?", "How do I get a refund?", "I would like to talk to a person"],
        description="Questions on the empty chat page.",
    )

    # Knowledge
    # Read by nobody as long as there is one: who names another is told so at the start, and does not get the vectors of this one.
    embedding_model: Literal["all-MiniLM-L6-v2"] = Field(
        "all-MiniLM-L6-v2", description="The model that finds passages by meaning: the one that comes with Deskhand."
    )
    embedding_threads: int = Field(0, ge=0, le=64, description="Texts embedded side by side; 0 means one for each processor.")
    knowledge_index: Literal["memory", "postgresql"] = Field(
        "memory",
        description="Where the search index is kept: in the memory of each server, or in PostgreSQL, which then needs pgvector.",
    )
    reader_processes: int = Field(2, ge=1, le=64, description="Processes that read documents side by side, each confined to itself.")
    reader_memory_mib: int = Field(512, ge=256, le=8_192, description="MiB of memory that reading one document may take.")
    reader_cpu_seconds: int = Field(10, ge=2, le=600, description="Seconds of processor time that reading one document may take.")
    reader_timeout_seconds: float = Field(
        30, gt=1, le=3_600, description="Seconds that reading one document may take, however busy the machine is."
    )
    # Of no effect without the extra that reads pictures.
    ocr_memory_mib: int = Field(1_536, ge=1_024, le=16_384, description="MiB of memory that reading the words of a picture may take.")
    ocr_page_seconds: int = Field(60, ge=5, le=3_600, description="Seconds of processor time that one scanned page or picture may take.")
    ocr_timeout_seconds: float = Field(900, gt=1, le=86_400, description="Seconds that all scanned pages of one document may take.")
    knowledge_samples: bool = Field(True, description="Whether an empty knowledge base is filled with samples, in development only.")
    knowledge_history_days: int = Field(
        90, ge=0, le=36_500, description="Days for which staff can read what a document said before it was changed; 0 keeps nothing."
    )
    knowledge_passages: int = Field(5, ge=1, le=20, description="Passages that a search hands to the model.")
    fetch_allowed_networks: CommaList = Field(
        [], description="Networks of your own, as `10.1.0.0/16`, whose pages may be fetched; otherwise only those of the public internet."
    )

    # Documents that are put in in the background
    jobs_concurrency: int = Field(
        2, ge=0, le=32, description="Jobs that one process works on at the same time; 0 leaves them to other processes."
    )
    jobs_lease_seconds: float = Field(30, gt=1, description="How long a job belongs to a process that gives no sign of life.")
    jobs_max_bytes: int = Field(1_000_000_000, ge=1_000_000, description="Bytes of files that may wait to be read, in the database.")
    jobs_keep_days: int = Field(30, ge=0, le=36_500, description="Days for which a job that ended, and its report, can be looked at.")

    # The people behind the desk
    staff_session_seconds: int = Field(
        604_800, ge=300, le=31_536_000, description="How long staff stay signed in, however much they do, before they must sign in again."
    )
    staff_idle_seconds: int = Field(43_200, ge=60, le=31_536_000, description="How long they stay signed in without doing anything.")

    oidc_issuer: str | None = Field(
        None,
        pattern=r"^https?://[!-~]+$",
        description="The address of your identity provider (OpenID Connect), exactly as it names itself. Unset: passwords alone.",
    )
    oidc_client_id: str | None = Field(None, min_length=1, max_length=500, description="What this server is called there.")
    oidc_client_secret: SecretStr | None = Field(None, description="Its secret there. Unset: it is a public client, with PKCE alone.")
    oidc_name: str = Field("Single sign-on", min_length=1, max_length=80, description="What your people call the provider.")
    oidc_scopes: CommaList = Field(["openid", "email", "profile"], description="What is asked of the provider.")
    oidc_redirect_url: str | None = Field(
        None,
        pattern=r"^https?://[!-~]+/staff/oidc/callback$",
        description="Where it sends people back to, as registered there. Unset: `/api/staff/oidc/callback` at the address they came by.",
    )
    oidc_trust_unverified_email: bool = Field(
        False, description="Whether an e-mail address counts although the provider does not say that it was verified."
    )
    oidc_domains: CommaList = Field(
        [], description="Domains of e-mail addresses, such as `example.com`, that get an account when they first sign in. Others get none."
    )
    oidc_roles_claim: str | None = Field(
        None,
        pattern=r"^[!-~]{1,200}$",
        description="The claim that gives the role at each sign-in, such as `groups` or `realm_access.roles`. Unset: accounts keep theirs.",
    )
    oidc_admin_roles: CommaList = Field([], description="What stands in that claim for administrators.")
    oidc_operator_roles: CommaList = Field([], description="What stands in that claim for operators. Who has neither is not let in.")

    # Telemetry and secrets
    telemetry_enabled: bool = Field(True, description="Whether `/metrics` is served.")
    log_file: Path | None = Field(
        None, description="The file that logs go to. Unset: `logs/deskhand.log` in the data folder, and none in development."
    )
    failpoints: str = Field(
        "", description="Where this process kills itself, as `name:n`, so that its recovery can be tested. In `testing` only."
    )
    secret_key: SecretStr | None = Field(
        None,
        description="What the keys are derived from that code the audit log and seal sign-in codes. At least 32 characters; needed in "
        "production, and the same on all instances. Unset: one is made and kept in the data folder.",
    )
    widget_secret: SecretStr | None = Field(
        None,
        description="What your site signs its customers' tokens with, so that the widget knows who they are: a secret of 32 bytes or more "
        "(HS256), or the public half of an Ed25519 key as PEM (EdDSA). Unset: customers stay anonymous.",
    )
    widget_audience: str = Field("deskhand", min_length=1, max_length=200, description="The `aud` that those tokens must name.")
    admin_api_key: SecretStr | None = Field(
        None,
        description="A key that may do everything, for programs. At least 32 characters in production, where accounts made by "
        "`deskhand staff create` can stand in for it. Unset: one is made and kept in the data folder, but not in production.",
    )

    @classmethod
    def settings_customise_sources(  # noqa: PLR0917 - the signature is pydantic-settings'
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        files = InitSettingsSource(settings_cls, init_kwargs=_read_secret_files(settings_cls))
        return init_settings, env_settings, files, dotenv_settings

    @field_validator("environment", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @field_validator("model", "model_fallbacks")
    @classmethod
    def _known_models(cls, value: str | list[str]) -> str | list[str]:
        for name in [value] if isinstance(value, str) else value:
            if name != "quoting" and (not name.startswith("openai:") or name == "openai:"):
                raise ValueError(f"{name!r} is no model; 'quoting' and 'openai:<model name>' are")
        return value

    @field_validator("redis_encryption_keys", "backup_encryption_keys")
    @classmethod
    def _are_keys(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            Sealer.parse(value.get_secret_value())
        return value

    @field_validator("failpoints")
    @classmethod
    def _known_failpoints(cls, value: str) -> str:
        failpoints.parse(value)
        return value

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if "*" in self.cors_origins and self.cors_allow_credentials:
            raise ValueError(
                "DESKHAND_CORS_ORIGINS: '*' together with DESKHAND_CORS_ALLOW_CREDENTIALS=true lets any site act for your visitors; "
                "name the origins, or switch credentials off"
            )
        if self.failpoints and self.environment is not Environment.TESTING:
            raise ValueError("DESKHAND_FAILPOINTS kills the server and is allowed in the environment 'testing' only")
        if self.environment is Environment.PRODUCTION:
            if self.debug:
                raise ValueError("DESKHAND_DEBUG must be false in production")
            if "*" in self.cors_origins:
                raise ValueError("DESKHAND_CORS_ORIGINS must name the origins in production, not '*'")
            if self.secret_key is None or len(self.secret_key.get_secret_value()) < _SHORTEST_SECRET:
                raise ValueError(f"{PREFIX}SECRET_KEY must be set in production, with at least {_SHORTEST_SECRET} characters")
            if self.admin_api_key is not None and len(self.admin_api_key.get_secret_value()) < _SHORTEST_SECRET:
                raise ValueError(f"{PREFIX}ADMIN_API_KEY must have at least {_SHORTEST_SECRET} characters in production")
        return self

    @model_validator(mode="after")
    def _whole_oidc(self) -> Self:
        if (self.oidc_issuer is None) != (self.oidc_client_id is None):
            raise ValueError(f"{PREFIX}OIDC_ISSUER and {PREFIX}OIDC_CLIENT_ID go together")
        if self.oidc_roles_claim is not None and not (self.oidc_admin_roles or self.oidc_operator_roles):
            raise ValueError(f"{PREFIX}OIDC_ROLES_CLAIM lets nobody in without {PREFIX}OIDC_ADMIN_ROLES or {PREFIX}OIDC_OPERATOR_ROLES")
        if self.environment is Environment.PRODUCTION and self.oidc_issuer is not None and not self.oidc_issuer.startswith("https://"):
            raise ValueError(f"{PREFIX}OIDC_ISSUER must begin with https:// in production")
        return self

    @property
    def database_address(self) -> str:
        """The database URL with its password: for the driver only, never for a log."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{(self.data_dir / 'deskhand.db').absolute()}"

    @property
    def is_development(self) -> bool:
        return self.environment is Environment.DEVELOPMENT


def load_settings(**overrides: Any) -> Settings:
    """Read the environment and `.env`; `overrides` (by field name) win.

    Raises:
        ConfigurationError: an unknown name, or a value that is not allowed. Names the variable and what is allowed, never the value
            of a secret.
    """
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    files = {f"{PREFIX}{name}_FILE".upper() for name in secret_names(Settings)}
    for name in sorted(os.environ):
        if name.upper().startswith(PREFIX) and name.upper() not in known | files:
            raise ConfigurationError(f"{name} is not a setting of Deskhand.", support=_nearest(name, known))
    for name in _dotenv_names():
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            raise ConfigurationError(f"{name} in .env is not a setting of Deskhand.", support=_nearest(name, known))
    try:
        return Settings(**overrides)
    except ValidationError as error:
        problems = "; ".join(_problem(item["loc"], item["msg"]) for item in error.errors(include_input=False, include_url=False))
        # The chained error would print the input, which may be a secret.
        raise ConfigurationError(problems + ".") from None


def secret_names(settings: type[BaseSettings]) -> list[str]:
    """The settings that hold a secret, by field name."""
    return [name for name, field in settings.model_fields.items() if SecretStr in (field.annotation, *get_args(field.annotation))]


def _read_secret_files(settings: type[BaseSettings]) -> dict[str, Any]:
    """What is in the files that the environment names. Raises ConfigurationError: one cannot be read, or is named beside the secret."""
    found: dict[str, Any] = {}
    for name in secret_names(settings):
        variable = f"{PREFIX}{name}".upper()
        path = os.environ.get(f"{variable}_FILE")
        if not path:
            continue
        if os.environ.get(variable):
            raise ConfigurationError(f"{variable} and {variable}_FILE are both set.", support="Set one of them.")
        try:
            content = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise ConfigurationError(f"{variable}_FILE: {path} cannot be read: {reason}.") from None
        if content:
            found[name] = content
    return found


def _problem(location: tuple[int | str, ...], message: str) -> str:
    message = message.removeprefix("Value error, ")
    if not location:
        return message
    return f"{PREFIX}{str(location[0]).upper()}: {message}"


def _dotenv_names() -> list[str]:
    path = Path(".env")
    try:
        text = path.read_text(encoding="utf-8-sig") if path.is_file() else ""
    except UnicodeDecodeError:
        raise ConfigurationError("The file .env is not UTF-8.", support="Save it as UTF-8, which some editors do only when told.") from None
    except OSError as error:
        raise ConfigurationError(
            f"The file .env cannot be read: {error.strerror}.", support="Let this user read it, or start in another folder, such as /."
        ) from None
    lines = (line.strip().removeprefix("export ") for line in text.splitlines())
    return [line.split("=", 1)[0].strip() for line in lines if "=" in line and not line.startswith("#")]


def _nearest(name: str, known: set[str]) -> str:
    import difflib  # noqa: PLC0415 - only on the way to an error

    matches = difflib.get_close_matches(name.upper(), sorted(known), n=3)
    if matches:
        return f"Did you mean {' or '.join(matches)}? 'deskhand doctor --settings' lists them all."
    return "'deskhand doctor --settings' lists all settings."
