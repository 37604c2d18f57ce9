"""What the application is made of, once it is open: made by the composition root, and handed to each request. Nothing here picks an
implementation."""

import asyncio
from dataclasses import dataclass, field

from deskhand.agent.agent import CustomerSupportAgent
from deskhand.agent.drafting import Drafter
from deskhand.api.client import Origins
from deskhand.api.fetching import Fetching
from deskhand.api.model_check import ModelCheck
from deskhand.api.questions import Questions
from deskhand.api.rate_limit import RateLimiter
from deskhand.api.streams import Streams
from deskhand.cache import CacheService
from deskhand.clock import Clock
from deskhand.handoff.replies import Replies
from deskhand.insights import DeskReader, Inbox, Opinions
from deskhand.jobs import JobQueue, JobWorker
from deskhand.knowledge import KnowledgeService, Loading
from deskhand.models.port import ChatModel
from deskhand.persistence import Database
from deskhand.realtime import Notices, Presence
from deskhand.sessions import SessionService, UserTokenVerifier
from deskhand.settings import Settings
from deskhand.staff import StaffService
from deskhand.telemetry import Metrics, Supervisor
from deskhand.turns import TurnService

# How the state of what is not there yet begins.
LOADING = "loading"


@dataclass(slots=True)
class Warmup:
    """What goes on in the background after the start: "loading" and what, then "healthy", or the reason why not."""

    knowledge: str = LOADING

    def tell(self, loading: Loading) -> None:
        counts = f", {loading.done:,} of {loading.total:,}" if loading.total else ""
        self.knowledge = f"{LOADING} the {loading.step.value}{counts}"


@dataclass(slots=True)
class FirstAdmin:
    """The password of the account that was made at this start, to be shown once; None when there were accounts."""

    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Services:
    settings: Settings
    clock: Clock
    metrics: Metrics
    supervisor: Supervisor
    database: Database
    cache: CacheService
    model: ChatModel
    model_check: ModelCheck
    knowledge: KnowledgeService
    fetching: Fetching
    sessions: SessionService
    # None: customers cannot prove who they are.
    user_tokens: UserTokenVerifier | None
    agent: CustomerSupportAgent
    turns: TurnService
    presence: Presence
    notices: Notices
    desk: DeskReader
    inbox: Inbox
    drafter: Drafter
    opinions: Opinions
    replies: Replies
    jobs: JobQueue
    job_worker: JobWorker
    streams: Streams
    origins: Origins
    limiter: RateLimiter | None
    staff: StaffService
    # None: the settings have none, and in production none is made.
    admin_key: str | None
    started_at: float
    warmup: Warmup = field(default_factory=Warmup)
    questions: Questions = field(default_factory=Questions)
    first_admin: FirstAdmin = field(default_factory=FirstAdmin)

    async def drain(self) -> None:
        """Begin nothing more; let running answers finish, within their time, and give running jobs back."""
        _ = await asyncio.gather(self.turns.drain(), self.job_worker.drain())
