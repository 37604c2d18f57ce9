"""What can be wrong with a request about staff."""

from deskhand.errors import Conflict, Forbidden, Malformed, NotFound, PartDown, TooMany, Unauthenticated


class SignInFailed(Unauthenticated):
    """The e-mail address, the password or the code is not right."""

    code = "sign_in_failed"
    support = "Try again. If you forgot your password, an administrator can give you a new one."


class CodeRequired(Unauthenticated):
    """The code of your authenticator app is needed as well."""

    code = "code_required"
    support = "Send the six digits that the app shows now, or one of your recovery codes, as 'code'."


class TooManySignIns(TooMany):
    """Too many attempts to sign in."""

    code = "too_many_sign_ins"
    support = "Wait as long as 'Retry-After' says. Where you are signed in already, you stay so."


class SignInBusy(PartDown):
    """Too many people sign in at this moment."""

    code = "sign_in_busy"


class SingleSignOnOff(NotFound):
    """Nobody signs in at an identity provider here."""

    code = "single_sign_on_off"
    support = "Set DESKHAND_OIDC_ISSUER and DESKHAND_OIDC_CLIENT_ID, or sign in with a password."


class SingleSignOnFailed(Unauthenticated):
    """The sign-in at the identity provider did not come to an end that counts."""

    code = "single_sign_on_failed"
    support = "Begin again on the console's page."


class NotAdmitted(Forbidden):
    """The identity provider knows you, and there is no account here for you."""

    code = "not_admitted"
    support = "Ask an administrator of this desk for an account."


class IdentityProviderDown(PartDown):
    """The identity provider cannot be asked."""

    code = "identity_provider_down"
    support = "Try again in a moment, or sign in with a password."


class AccountNotFound(NotFound):
    """There is no such account."""

    code = "account_not_found"
    support = "'GET /staff/accounts' lists them all."


class AccountExists(Conflict):
    """There is an account with this e-mail address already."""

    code = "account_exists"
    support = "Change that account, or take another address."


class LastAdmin(Conflict):
    """This is the only administrator who can sign in."""

    code = "last_admin"
    support = "Make somebody else an administrator first."


class NoAccount(Conflict):
    """This caller shows a key and has no account."""

    code = "no_account"
    support = "Sign in as a person to do this."


class PasswordRefused(Malformed):
    """This password is too easy to guess."""

    code = "password_refused"
    support = "Take at least 12 characters; three or four words that have nothing to do with each other are good."


class WrongPassword(Malformed):
    """The present password is not right."""

    code = "wrong_password"
    support = "Send it as 'current_password'."


class TotpConflict(Conflict):
    """This does not fit how codes are set up for this account."""

    code = "totp_conflict"
    support = "'GET /staff/me' says whether codes are on."


class WrongCode(Malformed):
    """This code is not right, or was used before."""

    code = "wrong_code"
    support = "Check the clock of the device that shows it, and take the next code."


class KeyNotFound(NotFound):
    """There is no such key."""

    code = "key_not_found"
    support = "'GET /staff/keys' lists them all."
