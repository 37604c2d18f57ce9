"""What can be wrong with a request about a session."""

from deskhand.errors import Conflict, NotFound, TooMany, Unauthenticated


class SessionNotFound(NotFound):
    """No such session, or it is not yours to see. The two look alike on purpose."""

    code = "session_not_found"
    support = "Check the session id, and that the token is this session's."

    def __init__(self) -> None:
        super().__init__("There is no such session.")


class AttachmentNotFound(NotFound):
    """No such file in this session."""

    code = "attachment_not_found"
    support = "Upload the file to this session first, then name its attachment_id."


class UserTokenRefused(Unauthenticated):
    """The token does not prove who the customer is."""

    code = "user_token_refused"
    support = "Sign it with DESKHAND_WIDGET_SECRET, for DESKHAND_WIDGET_AUDIENCE, with sub, aud, iat, exp within an hour, and a new jti."


class OtherCustomer(Conflict):
    """This session belongs to another customer."""

    code = "other_customer"
    support = "Open a new session for this customer."


class IdentificationOff(Conflict):
    """Customers cannot be identified here: there is no secret to check their tokens with."""

    code = "identification_off"
    support = "Set DESKHAND_WIDGET_SECRET."


class SessionEnded(Conflict):
    """This session has ended."""

    code = "session_ended"
    support = "Open a new session to go on."


class MessageConflict(Conflict):
    """This client_message_id was used before, for another message."""

    code = "message_conflict"
    support = "Use a new client_message_id for each message, and the same one only to send the same message again."


class QueueFull(TooMany):
    """Too many messages of this session wait for an answer."""

    code = "queue_full"
    support = "Wait for the running answer, then send the message again."
