"""Identifiers: one `NewType` per noun, and how each is made. None of them is a credential."""

import os
from typing import NewType

SessionId = NewType("SessionId", str)
ThreadId = NewType("ThreadId", str)
MessageId = NewType("MessageId", str)
TurnId = NewType("TurnId", str)
TicketId = NewType("TicketId", str)
AttachmentId = NewType("AttachmentId", str)
FactId = NewType("FactId", str)
UserId = NewType("UserId", str)
JobId = NewType("JobId", str)
ScheduleId = NewType("ScheduleId", str)
StaffId = NewType("StaffId", str)
StaffKeyId = NewType("StaffKeyId", str)
StaffSessionId = NewType("StaffSessionId", str)
NoteId = NewType("NoteId", str)
ReplyId = NewType("ReplyId", str)


# Random bytes are asked of the system for many identifiers at once: each asking is a system call, and a turn needs half a dozen.
_MOST_BYTES = 12
_AT_ONCE = 256
_pool: list[bytes] = []
# A child must not go on with what its parent was given.
os.register_at_fork(after_in_child=_pool.clear)


def _random_hex(size: int) -> str:
    """`size` random bytes, at most 12, in hexadecimal digits."""
    while True:
        try:
            # One step of the interpreter: no two threads get the same.
            return _pool.pop()[:size].hex()
        except IndexError:
            fresh = os.urandom(_AT_ONCE * _MOST_BYTES)
            _pool.extend(fresh[at : at + _MOST_BYTES] for at in range(0, len(fresh), _MOST_BYTES))


def new_session_id() -> SessionId:
    return SessionId(f"sess_{_random_hex(6)}")


def new_thread_id() -> ThreadId:
    return ThreadId(f"thread_{_random_hex(6)}")


def new_message_id() -> MessageId:
    return MessageId(f"msg_{_random_hex(12)}")


def new_turn_id() -> TurnId:
    return TurnId(f"turn_{_random_hex(12)}")


def new_ticket_id() -> TicketId:
    return TicketId(f"ticket_{_random_hex(8)}")


def new_attachment_id() -> AttachmentId:
    return AttachmentId(f"file_{_random_hex(12)}")


def new_fact_id() -> FactId:
    return FactId(f"fact_{_random_hex(12)}")


def new_job_id() -> JobId:
    return JobId(f"job_{_random_hex(12)}")


def new_schedule_id() -> ScheduleId:
    return ScheduleId(f"sched_{_random_hex(12)}")


def new_staff_id() -> StaffId:
    return StaffId(f"staff_{_random_hex(8)}")


def new_note_id() -> NoteId:
    return NoteId(f"note_{_random_hex(12)}")


def new_reply_id() -> ReplyId:
    return ReplyId(f"reply_{_random_hex(8)}")


def new_staff_key_id() -> StaffKeyId:
    return StaffKeyId(f"key_{_random_hex(8)}")


def new_staff_session_id() -> StaffSessionId:
    return StaffSessionId(f"signin_{_random_hex(8)}")


def new_request_id() -> str:
    return f"req_{_random_hex(12)}"
