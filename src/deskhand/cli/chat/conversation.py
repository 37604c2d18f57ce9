"""The conversation on the terminal: reads what the person says, shows what comes back, until they leave.

The invariant: what was said is either answered, handed over, stopped or reported as not sent before the next line is read.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from deskhand.cli.answers import AnswerView, answer_view, show_sources
from deskhand.cli.chat.client import ChatClient
from deskhand.cli.chat.notices import ConnectionLost, ConnectionRestored, Notice, NotSent, SessionGone
from deskhand.cli.terminal import is_text, plain
from deskhand.errors import DeskhandError, Malformed
from deskhand.turns.events import (
    Acknowledged,
    Cancelled,
    Complete,
    Escalation,
    Failed,
    Handoff,
    ModeChanged,
    PersonMessage,
    Resync,
    Sources,
    Started,
    Status,
)
from deskhand.turns.events import (
    Text as TextEvent,
)

_HELP = """/new            begin another conversation
/sources        show what the last answer was taken from
/attach FILE    send a file with the next message
/help           show this
/quit           leave (so does Ctrl-D)

Ctrl-C stops the answer that runs. A line that ends with \\ goes on in the next one."""


class Leave(Exception):
    """The person wants to go."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a message ended. `problem` is None unless it got no answer."""

    sources: Sequence[dict[str, Any]] = ()
    problem: str | None = None


class Conversation:
    """Results go to `output`, everything about them to `remarks`; on a terminal to `output` too, which knows what it is drawing."""

    def __init__(self, client: ChatClient, *, output: Console, remarks: Console, agent_name: str) -> None:
        self._client = client
        self._output = output
        self._remarks = output if output.is_terminal else remarks
        self._agent_name = agent_name
        self._attachments: list[str] = []
        self._sources: Sequence[dict[str, Any]] = ()
        self._is_terminal = sys.stdin.isatty()
        self.failures = 0

    def run(self) -> None:
        """Until the input ends or the person leaves; `failures` counts the messages that got no answer."""
        try:
            while True:
                self._show_pending()
                line = self._read_line()
                if line is None:
                    return
                if line.startswith("/"):
                    self._obey(line)
                elif line:
                    self._say(line)
        except Leave:
            return

    def _read_line(self) -> str | None:
        """The next message without its outer spaces; None at the end of the input."""
        parts: list[str] = []
        while True:
            try:
                line = input(self._prompt(is_first=not parts) if self._is_terminal else "")
            except EOFError:
                if self._is_terminal:
                    self._output.print()
                return "\n".join(parts).strip() if parts else None
            except KeyboardInterrupt:
                if not self._is_terminal:
                    raise
                self._output.print()
                self._remark("Ctrl-D or /quit leaves.")
                parts.clear()
                continue
            if not is_text(line):
                raise Malformed("The input is not UTF-8.", support="Convert it to UTF-8, and try again.")
            if line.endswith("\\"):
                parts.append(line[:-1])
                continue
            return "\n".join([*parts, line]).strip()

    def _prompt(self, *, is_first: bool) -> str:
        words = "You › " if is_first else "    … "
        if self._output.color_system is None or self._output.no_color:
            return words
        # The marks tell readline that what stands between them takes no room.
        return f"\x01\x1b[1;36m\x02{words}\x01\x1b[0m\x02"

    def _obey(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        commands: dict[str, Callable[[str], None]] = {
            "/quit": self._leave,
            "/exit": self._leave,
            "/new": self._begin_anew,
            "/sources": self._show_sources,
            "/attach": self._attach,
            "/help": lambda _rest: self._output.print(_HELP, style="dim"),
        }
        if word not in commands:
            self._remark(f"There is no {plain(word)}; /help lists what there is.")
            return
        commands[word](rest.strip())

    def _leave(self, _rest: str) -> None:
        raise Leave

    def _begin_anew(self, _rest: str) -> None:
        self._client.open()
        self._attachments.clear()
        self._sources = ()
        self._remark("A new conversation.")

    def _show_sources(self, _rest: str) -> None:
        if self._sources:
            show_sources(self._output, self._sources, with_content=True)
        else:
            self._remark("The last answer has no sources.")

    def _attach(self, rest: str) -> None:
        try:
            sent = self._client.upload(Path(rest).expanduser())
        except OSError as error:
            self._remark(f"{rest or 'A file'} cannot be read: {error.strerror}.")
        except DeskhandError as error:
            self._remark(f"{error.message} {error.remedy}")
        else:
            self._attachments.append(sent["attachment_id"])
            problem = f" {sent['error']}" if sent.get("error") else ""
            self._remark(f"{plain(sent['filename'])} goes with your next message.{plain(problem)}")

    def _say(self, content: str) -> None:
        sent = self._client.say(content, attachments=tuple(self._attachments))
        self._attachments.clear()
        if self._is_terminal:
            self._output.print(Text(f"{self._agent_name} › ", style="bold green"))
        outcome = self._follow(sent)
        self._sources = outcome.sources
        if outcome.problem is not None:
            self.failures += 1
            self._remarks.print(outcome.problem, style="red")
        show_sources(self._output, outcome.sources)
        self._output.print()

    def _follow(self, client_message_id: str) -> Outcome:
        """Show what comes of a message, to its end."""
        with answer_view(self._output) as view:
            following = _Following(client_message_id, view, remark=self._remark)
            while (outcome := following.outcome) is None:
                try:
                    following.take(self._client.receive())
                except KeyboardInterrupt:
                    if following.is_stopping or not self._is_terminal:
                        raise
                    following.is_stopping = True
                    self._client.cancel()
            return outcome

    def _show_pending(self) -> None:
        """What happened while nothing was awaited."""
        for notice in self._client.pending():
            match notice:
                case SessionGone():
                    self._remark(notice.message)
                    raise Leave
                case ModeChanged():
                    self._remark(describe_mode(notice))
                case PersonMessage() | Handoff() | ConnectionLost() | ConnectionRestored():
                    self._remark(_remark_of(notice))
                case _:
                    # Of a message that has come to its end.
                    pass

    def _remark(self, words: str) -> None:
        self._remarks.print(plain(words), style="yellow")


class _Following:
    """One message's way to its end. `outcome` is None until then."""

    def __init__(self, client_message_id: str, view: AnswerView, *, remark: Callable[[str], None]) -> None:
        self._client_message_id = client_message_id
        self._view = view
        self._remark = remark
        self._turn_id: str | None = None
        self._text = ""
        self._sources: Sequence[dict[str, Any]] = ()
        self._is_handed_over = False
        self.is_stopping = False
        self.outcome: Outcome | None = None

    def take(self, notice: Notice) -> None:
        match notice:
            case Acknowledged():
                self._take_acknowledgement(notice)
            case Escalation():
                self._is_handed_over = True
                self._remark(f"Handed over to a person: {notice.reason.replace('_', ' ')} ({notice.ticket_id}).")
            case ModeChanged():
                if not self._is_handed_over:
                    self._remark(describe_mode(notice))
            case PersonMessage() | Handoff() | ConnectionLost() | ConnectionRestored():
                self._remark(_remark_of(notice))
            case NotSent():
                self._end(Outcome(problem=f"Not sent: {notice.message} {notice.remedy}"))
            case SessionGone():
                self._end(Outcome(problem=notice.message))
            case Resync():
                self._end(Outcome(problem="The server does not know how far we were. Begin anew with /new."))
            case Started() | Status() | TextEvent() | Sources() | Complete() | Failed() | Cancelled():
                if notice.turn_id == self._turn_id:
                    self._take_of_turn(notice)

    def _take_acknowledgement(self, event: Acknowledged) -> None:
        if event.client_message_id != self._client_message_id:
            return
        self._turn_id = event.turn_id
        if event.turn_id is None:
            self._remark("A person answers this conversation, and will read this.")
            self._end(Outcome())

    def _take_of_turn(self, event: Started | Status | TextEvent | Sources | Complete | Failed | Cancelled) -> None:
        match event:
            case Started():
                if self._text:
                    self._view.start_over()
                self._text = ""
            case Status():
                self._view.show_stage(event.stage, event.tool)
            case TextEvent():
                self._add(event.delta)
            case Sources():
                self._sources = msgspec.to_builtins(event.sources)
            case Complete():
                self._take_whole(event.message)
                self._end(Outcome(sources=msgspec.to_builtins(event.sources)))
            case Failed():
                self._take_whole(event.partial)
                self._end(Outcome(sources=self._sources, problem=f"{event.message} {event.support}"))
            case Cancelled():
                self._take_whole(event.partial)
                self._remark("Stopped." if self.is_stopping else f"Stopped: {event.reason.replace('_', ' ')}.")
                self._end(Outcome(sources=self._sources))

    def _add(self, delta: str) -> None:
        self._text += delta
        self._view.add_text(delta)

    def _take_whole(self, text: str) -> None:
        """The whole text, as the server keeps it: what was not shown yet is, and what was shown wrongly is shown again."""
        if text.startswith(self._text):
            self._add(text[len(self._text) :])
        elif text:
            self._view.start_over()
            self._add(text)

    def _end(self, outcome: Outcome) -> None:
        self._view.end()
        self.outcome = outcome


def _remark_of(notice: PersonMessage | Handoff | ConnectionLost | ConnectionRestored) -> str:
    match notice:
        case PersonMessage():
            return f"{notice.author_name}: {notice.content}"
        case Handoff():
            return notice.text
        case ConnectionLost():
            return "The connection broke; connecting again …"
        case ConnectionRestored():
            return "Connected again."


def describe_mode(event: ModeChanged) -> str:
    match event.status:
        case "active":
            return "The agent answers again."
        case "escalated":
            return "A person answers from here on."
        case "ended":
            return "This conversation was ended. /new begins another."
