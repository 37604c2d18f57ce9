"""Reading what somebody says over HTTP, a customer or a person behind the desk: JSON, or a form with files.

The invariant: a file is stored before the message that names it, and a form sent again gives the same files the same ids, so that a
retried send stays one message.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.datastructures import FormData, UploadFile

from deskhand.api import documented, schemas
from deskhand.api.assembled import Services
from deskhand.api.body import read_json, validate
from deskhand.errors import DeskhandError, Malformed, TooLarge
from deskhand.ids import SessionId
from deskhand.sessions import Attachment

_FORM = {
    "type": "object",
    "required": ["message"],
    "additionalProperties": False,
    "properties": {
        "message": {"type": "string", "minLength": 1, "pattern": r"\S"},
        "client_message_id": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"},
        "attachments": {"type": "array", "items": {"type": "string", "format": "binary"}},
    },
}
FILE_KINDS = {"contentType": "text/plain, text/markdown, text/html, text/csv, application/json"}
# How a route describes itself that reads its body by `read_message`.
MESSAGE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": documented.reference(schemas.SendMessage)}},
            "multipart/form-data": {"schema": _FORM, "encoding": {"attachments": FILE_KINDS}},
        },
    }
}
_MEBIBYTE = 1024 * 1024
_PREVIEW_CHARACTERS = 400
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Said:
    """What was said. `attachments` are the ids of files that are stored."""

    message: str
    client_message_id: str | None
    attachments: tuple[str, ...]


async def read_message(request: Request, session_id: SessionId, services: Services) -> Said:
    """What was said, with the files that came with it stored.

    Raises:
        Malformed, TooLarge, UnsupportedKind: nothing was said; a file may have been stored.
    """
    if not is_form(request):
        wanted = await read_json(request, schemas.SendMessage)
        check_length(wanted.message, services)
        return Said(wanted.message, wanted.client_message_id, tuple(wanted.attachments))
    try:
        form = await read_form(request, services, files={"attachments"}, fields={"message", "client_message_id"})
        wanted = validate({key: value for key, value in form.items() if isinstance(value, str)}, schemas.SendMessage)
        check_length(wanted.message, services)
        uploads = [value for value in form.getlist("attachments") if isinstance(value, UploadFile)]
        return Said(wanted.message, wanted.client_message_id, tuple(await _store_uploads(uploads, session_id, services)))
    finally:
        await request.close()


def check_length(message: str, services: Services) -> None:
    """Raises Malformed: longer than the settings allow."""
    limit = services.settings.message_max_characters
    if len(message) > limit:
        raise Malformed(
            f"message: it has {len(message):,} characters; at most {limit:,} are allowed.",
            details={"fields": [{"field": "message", "in": "body", "problem": f"longer than {limit} characters"}]},
            support="Send a shorter message, or attach the text as a file.",
        )


def is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").lower().startswith("multipart/form-data")


async def read_form(request: Request, services: Services, *, files: set[str], fields: set[str]) -> FormData:
    """A form of which every part is known.

    Raises:
        Malformed: it is not a form, has a part that is not known, a file where text belongs, or too many files.
    """
    limit = services.settings.upload_max_files
    form = await request.form(max_files=limit + 1, max_fields=20, max_part_size=services.settings.request_max_bytes)
    seen: set[str] = set()
    count = 0
    for name, value in form.multi_items():
        if name not in files | fields:
            raise _refused(name, "there is no such field")
        if isinstance(value, UploadFile) != (name in files):
            raise _refused(name, "a file is expected here" if name in files else "text is expected here, not a file")
        if name in fields and name in seen:
            raise _refused(name, "it was given twice")
        seen.add(name)
        count += isinstance(value, UploadFile)
    if count > limit:
        raise Malformed(f"At most {limit} files can be sent at once.", support="Send the rest with another message.")
    return form


async def store_upload(upload: UploadFile, session_id: SessionId, services: Services) -> tuple[Attachment, str | None]:
    """Keep a file with what can be read in it; the second value says why nothing can be read, where that is so.

    Raises:
        TooLarge: the file is larger than the settings allow.
        UnsupportedKind: files of this kind are not taken.
    """
    filename, data = await read_upload(upload, services)
    content_type = (upload.content_type or "application/octet-stream").partition(";")[0].strip().lower()[:127]
    problem = None
    try:
        parsed = await services.knowledge.reader.read(filename, upload.content_type, data)
        text = parsed.text
    except DeskhandError as error:
        if error.status != Malformed.status:
            raise
        text, problem = "", error.message
    attachment = await services.sessions.add_attachment(session_id, filename=filename, content_type=content_type, data=data, text=text)
    return attachment, problem


async def read_upload(upload: UploadFile, services: Services) -> tuple[str, bytes]:
    """The name and the bytes of a file.

    Raises:
        TooLarge: the file is larger than the settings allow.
    """
    limit = services.settings.upload_max_bytes
    filename = _tidy_name(upload.filename)
    if upload.size is not None and upload.size > limit:
        raise TooLarge(
            f"{filename} has {upload.size / _MEBIBYTE:.1f} MiB; at most {limit / _MEBIBYTE:.1f} MiB are allowed.",
            details={"filename": filename, "limit_bytes": limit},
        )
    return filename, await upload.read()


async def _store_uploads(uploads: Sequence[UploadFile], session_id: SessionId, services: Services) -> list[str]:
    """Keep the files of a message; returns their ids in order.

    Raises:
        Malformed: nothing can be read in one of them. A message whose file was not understood would be answered wrongly.
    """
    ids: list[str] = []
    for upload in uploads:
        attachment, problem = await store_upload(upload, session_id, services)
        if problem is not None:
            raise Malformed(f"{attachment.filename}: {problem}", details={"filename": attachment.filename})
        ids.append(attachment.id)
    return ids


def show_upload(attachment: Attachment, problem: str | None) -> schemas.UploadView:
    text = attachment.text.strip()
    return schemas.UploadView(
        attachment_id=attachment.id,
        filename=attachment.filename,
        size_mb=round(attachment.size_bytes / _MEBIBYTE, 4),
        content_type=attachment.content_type,
        processed=problem is None,
        preview=text[:_PREVIEW_CHARACTERS] or None,
        error=problem,
    )


def _tidy_name(filename: str | None) -> str:
    """The last part of the name without control characters. It is shown, never used as a path."""
    name = (filename or "file").replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(character for character in name if character.isprintable())[:_LONGEST_NAME].strip() or "file"


def _refused(field: str, problem: str) -> Malformed:
    details: dict[str, Any] = {"fields": [{"field": field, "in": "body", "problem": problem}]}
    return Malformed(f"{field}: {problem}.", details=details)
