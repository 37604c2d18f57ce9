"""The bodies of requests and answers about staff. No answer holds a secret but the three that show one for the only time."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from deskhand.api.schemas import Name, Parameters, Request, Schema, Whole, show_moment
from deskhand.clock import to_iso
from deskhand.roles import Scope
from deskhand.staff import Account, ApiKey, AuditEntry, Caller

Email = Annotated[str, StringConstraints(min_length=3, max_length=254, pattern=r"^[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,189}$")]
Password = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00]+$")]
Code = Annotated[str, StringConstraints(min_length=6, max_length=40, pattern=r"^[0-9A-Za-z \-]+$")]
Skill = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
Skills = Annotated[list[Skill], Field(max_length=50)]
RoleName = Literal["operator", "admin"]
ScopeName = Literal["desk", "sessions", "knowledge:read", "knowledge", "staff"]
Capacity = Annotated[Whole, Field(ge=0, le=1_000)]


class SignInRequest(Request):
    email: Annotated[str, StringConstraints(min_length=1, max_length=254, pattern=r"^[^\x00]+$")]
    password: Password
    code: Code | None = Field(None, description="Of the authenticator app, or a recovery code; when the account wants one.")


class ChangeMe(Request):
    name: Name | None = None
    presence: Literal["online", "away"] | None = None
    password: Password | None = Field(None, description="A new password, of at least 12 characters; every other session ends.")
    current_password: Password | None = None

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.password is None) != (self.current_password is None):
            raise ValueError("password and current_password go together")
        return self


class CreateAccount(Request):
    email: Email
    name: Name | None = Field(None, description="What customers and colleagues read. Unset: what stands before the @.")
    role: RoleName = "operator"
    skills: Skills = Field(default_factory=list)
    capacity: Capacity = 5
    password: Password | None = Field(None, description="Unset: one is made up and shown in the answer, once.")


class ChangeAccount(Request):
    name: Name | None = None
    role: RoleName | None = None
    skills: Skills | None = None
    capacity: Capacity | None = None
    disabled: bool | None = None


class ResetPassword(Request):
    without_totp: bool = Field(False, description="Switch the codes of the account off, too, for a lost device.")


class ConfirmTotp(Request):
    code: Code


class SwitchTotpOff(Request):
    password: Password


class CreateKey(Request):
    name: Name
    scopes: Annotated[list[ScopeName], Field(min_length=1, max_length=5)]


class ListAudit(Parameters):
    limit: int = Field(50, ge=1, le=500)
    cursor: int | None = Field(None, ge=1, le=2**53)
    actor: Annotated[str, StringConstraints(max_length=32, pattern=r"^[a-z0-9_]+$")] | None = None
    action: Annotated[str, StringConstraints(max_length=64, pattern=r"^[a-z_.]+$")] | None = None


class ProviderView(Schema):
    """An identity provider. `name` is what people call it; `path` is where a browser goes to sign in there."""

    name: str
    path: str


class SignInOptions(Schema):
    """`oidc` is null where people sign in with passwords alone."""

    oidc: ProviderView | None


class StaffView(Schema):
    """Who is signed in. `email` and what follows from having an account are null for a key."""

    staff_id: str
    email: str | None
    name: str
    role: RoleName
    scopes: list[ScopeName]
    skills: list[str]
    capacity: int
    avatar_color: str
    presence: Literal["online", "away"] | None
    totp_enabled: bool
    password_is_temporary: bool

    @classmethod
    def of(cls, caller: Caller) -> "StaffView":
        account = caller.account
        return cls(
            staff_id=caller.id,
            email=account.email if account else None,
            name=caller.name,
            role=caller.role.value,
            scopes=[scope.value for scope in Scope if scope in caller.scopes],
            skills=list(account.skills) if account else [],
            capacity=account.capacity if account else 0,
            avatar_color=account.avatar_color if account else "#475569",
            presence=account.presence.value if account else None,
            totp_enabled=account.totp_enabled if account else False,
            password_is_temporary=account.password_is_temporary if account else False,
        )


class SignedInView(Schema):
    staff: StaffView
    expires_at: str


class SignedOut(Schema):
    message: str


class AccountView(Schema):
    staff_id: str
    email: str
    name: str
    role: RoleName
    skills: list[str]
    capacity: int
    avatar_color: str
    presence: Literal["online", "away"]
    totp_enabled: bool
    password_is_temporary: bool
    disabled: bool
    created_at: str
    last_sign_in_at: str | None

    @classmethod
    def of(cls, account: Account) -> "AccountView":
        return cls(**account_fields(account))


class NewAccountView(AccountView):
    password: str | None = Field(description="The made-up password, shown in this answer only; null when one was given.")


class PasswordView(Schema):
    password: str = Field(description="The new password, shown in this answer only.")


class TotpView(Schema):
    """Shown in this answer only."""

    secret: str = Field(description="Base32, for typing it into an authenticator app.")
    otpauth_url: str


class RecoveryCodes(Schema):
    """Shown in this answer only; each is good for one sign-in."""

    recovery_codes: list[str]


class KeyView(Schema):
    key_id: str
    name: str
    hint: str
    scopes: list[ScopeName]
    created_by: str
    created_at: str
    last_used_at: str | None
    revoked_at: str | None

    @classmethod
    def of(cls, key: ApiKey) -> "KeyView":
        return cls(**key_fields(key))


class NewKeyView(KeyView):
    key: str = Field(description="The key, shown in this answer only.")


class ActorView(Schema):
    staff_id: str
    name: str


class AuditView(Schema):
    seq: int
    at: str
    actor: ActorView
    action: str
    target: str
    details: dict[str, Any]

    @classmethod
    def of(cls, entry: AuditEntry) -> "AuditView":
        return cls(
            seq=entry.seq,
            at=to_iso(entry.at_ms / 1000),
            actor=ActorView(staff_id=entry.actor.id, name=entry.actor.name),
            action=entry.action,
            target=entry.target,
            details=entry.details,
        )


class AuditPage(Schema):
    items: list[AuditView]
    next_cursor: int | None


def account_fields(account: Account) -> dict[str, Any]:
    return {
        "staff_id": account.id,
        "email": account.email,
        "name": account.name,
        "role": account.role.value,
        "skills": list(account.skills),
        "capacity": account.capacity,
        "avatar_color": account.avatar_color,
        "presence": account.presence.value,
        "totp_enabled": account.totp_enabled,
        "password_is_temporary": account.password_is_temporary,
        "disabled": account.is_disabled,
        "created_at": to_iso(account.created_at),
        "last_sign_in_at": show_moment(account.last_sign_in_at),
    }


def key_fields(key: ApiKey) -> dict[str, Any]:
    return {
        "key_id": key.id,
        "name": key.name,
        "hint": key.hint,
        "scopes": [scope.value for scope in key.scopes],
        "created_by": key.created_by,
        "created_at": to_iso(key.created_at),
        "last_used_at": show_moment(key.last_used_at),
        "revoked_at": show_moment(key.revoked_at),
    }
