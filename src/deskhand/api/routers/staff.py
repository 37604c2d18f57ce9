"""Who works here: signing in, one's own account, everybody's accounts, keys of programs, and the audit log.

The invariant: an answer never tells whether an address has an account, to whoever is not signed in.
"""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Path, Query, Request, Response

from deskhand.api import documented
from deskhand.api import staff_schemas as schemas
from deskhand.api.body import read_json
from deskhand.api.cookies import KNOWN_BROWSER, STAFF, set_signed_in, set_signed_out
from deskhand.api.identity import AdminDep, CallerDep, CrossSite
from deskhand.api.routing import Routes
from deskhand.api.services import ServicesDep
from deskhand.clock import to_iso
from deskhand.errors import Forbidden
from deskhand.roles import Role, Scope
from deskhand.sessions import Staff
from deskhand.staff import Account, AccountChange, Actor, Arrival, Attempt, Caller, NewAccount, Presence
from deskhand.staff.errors import NoAccount

router = Routes(prefix="/staff", tags=["staff"])

StaffName = Annotated[str, Path(pattern=r"^staff_[0-9a-f]{16}$")]
KeyName = Annotated[str, Path(pattern=r"^key_[0-9a-f]{16}$")]


@router.get("/sign-in-options", openapi_extra=documented.PUBLIC)
async def list_sign_in_options(services: ServicesDep) -> schemas.SignInOptions:
    """How people sign in here: with a password, and where the settings name an identity provider, there."""
    provider = services.staff.single_sign_on
    path = f"{services.settings.api_prefix}/staff/oidc/start"
    return schemas.SignInOptions(oidc=None if provider is None else schemas.ProviderView(name=provider.name, path=path))


@router.post(
    "/sign-in",
    openapi_extra={**documented.PUBLIC, **documented.body(schemas.SignInRequest)},
    responses=documented.errors(401, 403, 413, 415, 422, 503),
)
async def sign_in(request: Request, response: Response, services: ServicesDep) -> schemas.SignedInView:
    """Sign in; the session is in the cookie `deskhand_staff`. Whatever is not right, the answer is the same, after the same time."""
    if not services.origins.is_own(request.scope):
        raise CrossSite
    wanted = await read_json(request, schemas.SignInRequest)
    attempt = Attempt(
        wanted.email,
        wanted.password,
        wanted.code,
        Arrival(request.scope["deskhand.client"], replaced_token=request.cookies.get(STAFF)),
        known_browser=request.cookies.get(KNOWN_BROWSER),
    )
    signed_in = await services.staff.signing_in.sign_in(attempt)
    set_signed_in(
        response,
        signed_in.token,
        known_browser=signed_in.known_browser,
        sign_in_path=request.url.path,
        lasts_seconds=services.settings.staff_session_seconds,
        secure=services.origins.is_secure(request.scope),
    )
    return schemas.SignedInView(staff=schemas.StaffView.of(Caller.of(signed_in.account)), expires_at=to_iso(signed_in.expires_at))


@router.post("/sign-out", openapi_extra=documented.STAFF, responses=documented.errors(401, 403, 503))
async def sign_out(*, caller: CallerDep, request: Request, response: Response, services: ServicesDep) -> schemas.SignedOut:
    """End this session. Others of the account stay."""
    await services.staff.signing_in.sign_out(caller)
    set_signed_out(response, secure=services.origins.is_secure(request.scope))
    return schemas.SignedOut(message="You are signed out.")


@router.get("/me", openapi_extra=documented.STAFF, responses=documented.errors(401, 403, 503))
async def show_me(caller: CallerDep) -> schemas.StaffView:
    """Who is signed in, and what they may do."""
    return schemas.StaffView.of(caller)


@router.patch(
    "/me",
    openapi_extra={**documented.STAFF, **documented.body(schemas.ChangeMe)},
    responses=documented.errors(401, 403, 409, 413, 415, 422, 503),
)
async def change_me(caller: CallerDep, request: Request, services: ServicesDep) -> schemas.StaffView:
    """Change one's own name, password or presence."""
    wanted = await read_json(request, schemas.ChangeMe)
    account = _account_of(caller)
    accounts = services.staff.accounts
    if wanted.password is not None and wanted.current_password is not None:
        await accounts.change_password(caller, account, current=wanted.current_password, new=wanted.password)
    presence = Presence(wanted.presence) if wanted.presence is not None else None
    after = await accounts.change_own(account, name=wanted.name, presence=presence)
    return schemas.StaffView.of(Caller.of(after))


@router.get("/accounts", openapi_extra=documented.STAFF, responses=documented.errors(401, 403, 503))
async def list_accounts(_staff: AdminDep, services: ServicesDep) -> list[schemas.AccountView]:
    """All accounts, by name."""
    return [schemas.AccountView.of(account) for account in await services.staff.accounts.list()]


@router.post(
    "/accounts",
    status_code=201,
    openapi_extra={**documented.STAFF, **documented.body(schemas.CreateAccount)},
    responses=documented.errors(401, 403, 409, 413, 415, 422, 503),
)
async def create_account(staff: AdminDep, request: Request, services: ServicesDep) -> schemas.NewAccountView:
    """Make an account."""
    wanted = await read_json(request, schemas.CreateAccount)
    new = NewAccount(
        email=wanted.email,
        name=wanted.name or wanted.email.partition("@")[0],
        role=Role(wanted.role),
        skills=tuple(wanted.skills),
        capacity=wanted.capacity,
        password=wanted.password,
    )
    account, password = await services.staff.accounts.create(new, by=_actor(staff))
    return schemas.NewAccountView(**schemas.account_fields(account), password=password)


@router.patch(
    "/accounts/{staff_id}",
    openapi_extra={**documented.STAFF, **documented.body(schemas.ChangeAccount)},
    responses=documented.errors(401, 403, 404, 409, 413, 415, 422, 503),
)
async def change_account(*, staff: AdminDep, staff_id: StaffName, request: Request, services: ServicesDep) -> schemas.AccountView:
    """Change an account. Another role, and `disabled`, sign the person out everywhere, also where they are connected."""
    wanted = await read_json(request, schemas.ChangeAccount)
    change = AccountChange(
        name=wanted.name,
        role=Role(wanted.role) if wanted.role is not None else None,
        skills=tuple(wanted.skills) if wanted.skills is not None else None,
        capacity=wanted.capacity,
        disabled=wanted.disabled,
    )
    return schemas.AccountView.of(await services.staff.accounts.change(staff_id, change, by=_actor(staff)))


@router.post(
    "/accounts/{staff_id}/reset-password",
    openapi_extra={**documented.STAFF, **documented.body(schemas.ResetPassword, required=False)},
    responses=documented.errors(401, 403, 404, 413, 415, 422, 503),
)
async def reset_password(*, staff: AdminDep, staff_id: StaffName, request: Request, services: ServicesDep) -> schemas.PasswordView:
    """Make a new password for somebody, who is signed out everywhere."""
    wanted = await read_json(request, schemas.ResetPassword, optional=True)
    password = await services.staff.accounts.reset_password(staff_id, by=_actor(staff), without_totp=wanted.without_totp)
    return schemas.PasswordView(password=password)


@router.post("/totp", openapi_extra=documented.STAFF, responses=documented.errors(401, 403, 409, 503))
async def begin_totp(caller: CallerDep, services: ServicesDep) -> schemas.TotpView:
    """Begin to set up an authenticator app. It counts once a code of it was confirmed."""
    begun = await services.staff.second_factor.begin(_account_of(caller))
    return schemas.TotpView(secret=begun.secret, otpauth_url=begun.address)


@router.post(
    "/totp/confirm",
    openapi_extra={**documented.STAFF, **documented.body(schemas.ConfirmTotp)},
    responses=documented.errors(401, 403, 409, 413, 415, 422, 503),
)
async def confirm_totp(caller: CallerDep, request: Request, services: ServicesDep) -> schemas.RecoveryCodes:
    """From here on, signing in takes a code."""
    wanted = await read_json(request, schemas.ConfirmTotp)
    codes = await services.staff.second_factor.confirm(_account_of(caller), wanted.code)
    return schemas.RecoveryCodes(recovery_codes=codes)


@router.delete(
    "/totp",
    openapi_extra={**documented.STAFF, **documented.body(schemas.SwitchTotpOff)},
    responses=documented.errors(401, 403, 409, 413, 415, 422, 503),
)
async def switch_totp_off(caller: CallerDep, request: Request, services: ServicesDep) -> schemas.StaffView:
    """Let the password be enough again. Takes the password, so that an open console alone cannot do it."""
    wanted = await read_json(request, schemas.SwitchTotpOff)
    account = _account_of(caller)
    await services.staff.accounts.check_current(account, wanted.password)
    await services.staff.second_factor.switch_off(account)
    after = await services.staff.accounts.get(account.id)
    return schemas.StaffView.of(Caller.of(after))


@router.get("/keys", openapi_extra=documented.STAFF, responses=documented.errors(401, 403, 503))
async def list_keys(_staff: AdminDep, services: ServicesDep) -> list[schemas.KeyView]:
    """The keys of programs, the newest first, with those that were revoked."""
    return [schemas.KeyView.of(key) for key in await services.staff.keys.list()]


@router.post(
    "/keys",
    status_code=201,
    openapi_extra={**documented.STAFF, **documented.body(schemas.CreateKey)},
    responses=documented.errors(401, 403, 413, 415, 422, 503),
)
async def create_key(staff: AdminDep, request: Request, services: ServicesDep) -> schemas.NewKeyView:
    """Make a key for a program, with no more rights than one's own."""
    wanted = await read_json(request, schemas.CreateKey)
    scopes = _granted(staff, wanted.scopes)
    key, secret = await services.staff.keys.create(wanted.name, scopes, by=_actor(staff))
    return schemas.NewKeyView(**schemas.key_fields(key), key=secret)


@router.delete("/keys/{key_id}", openapi_extra=documented.STAFF, responses=documented.errors(401, 403, 404, 422, 503))
async def revoke_key(staff: AdminDep, key_id: KeyName, services: ServicesDep) -> schemas.KeyView:
    """Let a key be good for nothing, at once and for good."""
    return schemas.KeyView.of(await services.staff.keys.revoke(key_id, by=_actor(staff)))


@router.get("/audit", openapi_extra=documented.STAFF, responses=documented.errors(401, 403, 422, 503))
async def list_audit(_staff: AdminDep, services: ServicesDep, query: Annotated[schemas.ListAudit, Query()]) -> schemas.AuditPage:
    """What people and programs of the company did, the newest first."""
    found = await services.staff.list_audit(before=query.cursor, actor=query.actor, action=query.action, limit=query.limit)
    next_cursor = found[-1].seq if len(found) == query.limit else None
    return schemas.AuditPage(items=[schemas.AuditView.of(entry) for entry in found], next_cursor=next_cursor)


def _actor(staff: Staff) -> Actor:
    return Actor(staff.id, staff.name)


def _account_of(caller: Caller) -> Account:
    """Raises NoAccount: a key has none."""
    if caller.account is None:
        raise NoAccount
    return caller.account


def _granted(staff: Staff, wanted: Sequence[str]) -> list[Scope]:
    """Raises Forbidden: nobody gives what they do not have."""
    scopes = sorted({Scope(name) for name in wanted})
    missing = [scope.value for scope in scopes if not staff.may(scope)]
    if missing:
        raise Forbidden(f"You do not have the right '{missing[0]}' yourself.")
    return scopes
