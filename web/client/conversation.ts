// One conversation as the page sees it: the thread, what waits to be sent, and how the connection stands. The only place where
// these change; views get the state and call the methods.

import type { Attachment, SessionEvent } from "../protocol/events";
import {
  addEntry,
  findNextToSend,
  markAccepted,
  markRefused,
  markWaiting,
  moveToNewSession,
  type Outbox,
  removeEntry,
  settle,
} from "../protocol/outbox";
import { leavesGap, reduce } from "../protocol/reduce";
import type { Reply, RequestFailure, SessionRecord } from "../protocol/rest";
import { emptyThread, type Failure, type Thread } from "../protocol/thread";
import type { Api } from "./api";
import { Connection, type ConnectionState } from "./connection";
import { Sender } from "./sender";
import type { BrowserStorage } from "./storage";

export interface ConversationState {
  readonly session: SessionRecord | null;
  readonly thread: Thread;
  readonly outbox: Outbox;
  readonly connection: ConnectionState;
  /** Why nothing can be sent at present; null when it can, as far as is known. */
  readonly obstacle: RequestFailure | null;
  /** The session that was being read is no longer there; what is said next opens another. */
  readonly wasClosedElsewhere: boolean;
  /** A person is writing, or was a moment ago. */
  readonly isPersonTyping: boolean;
}

const LOST_FILES: Failure = {
  code: "attachment_not_found",
  message: "The earlier conversation is gone, and its files with it.",
  support: "Attach the file again and send this once more.",
};
const RESUME_AT_MOST_EVERY_MS = 1_000;
const TYPING_AT_MOST_EVERY_MS = 3_000;
/** Longer than what lies between two notices of somebody who goes on writing. */
const TYPING_SHOWN_MS = 6_000;

export class Conversation {
  private current: ConversationState;
  private connection: Connection | null = null;
  private opening: Promise<Reply<SessionRecord>> | null = null;
  private readonly sender: Sender;
  private readonly listeners = new Set<() => void>();
  private resumedAt = Number.NEGATIVE_INFINITY;
  private typedAt = Number.NEGATIVE_INFINITY;
  private typingTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly api: Api,
    private readonly storage: BrowserStorage,
  ) {
    this.current = {
      session: null,
      thread: emptyThread,
      outbox: storage.readOutbox(),
      connection: "idle",
      obstacle: null,
      wasClosedElsewhere: false,
      isPersonTyping: false,
    };
    this.sender = new Sender(api, {
      nextToSend: () => findNextToSend(this.current.outbox),
      ensureSession: () => this.ensureSession(),
      onAccepted: (id) => this.changeOutbox((outbox) => markAccepted(outbox, id)),
      onRefused: (id, refusal) => this.changeOutbox((outbox) => markRefused(outbox, id, refusal)),
      onSessionGone: (session) => this.dropSession(session),
      onObstacle: (obstacle) => this.change({ obstacle }),
    });
    storage.onForeignChange(() => this.adoptForeignChange());
    this.adoptSession(storage.readSession());
    this.sender.wake();
  }

  get state(): ConversationState {
    return this.current;
  }

  subscribe(listener: () => void): void {
    this.listeners.add(listener);
  }

  say(content: string, attachments: readonly Attachment[] = []): void {
    const entry = { clientMessageId: newClientMessageId(), content, attachments, createdAt: new Date().toISOString() };
    this.change({ wasClosedElsewhere: false });
    this.changeOutbox((outbox) => addEntry(outbox, entry));
    this.sender.wake();
  }

  sayAgain(clientMessageId: string): void {
    this.changeOutbox((outbox) => markWaiting(outbox, clientMessageId));
    this.sender.wake();
  }

  takeBack(clientMessageId: string): void {
    this.changeOutbox((outbox) => removeEntry(outbox, clientMessageId));
  }

  async readFile(attachment: Attachment): Promise<Blob | null> {
    const { session } = this.current;
    const reply = session === null ? null : await this.api.readFile(session, attachment.attachment_id);
    return reply?.ok === true ? reply.value : null;
  }

  stopAnswer(): void {
    const { session } = this.current;
    if (session !== null) void this.api.cancelTurn(session);
  }

  typing(): void {
    const now = performance.now();
    if (now - this.typedAt < TYPING_AT_MOST_EVERY_MS) return;
    this.typedAt = now;
    this.connection?.typing();
  }

  /** Leave this conversation for a new one, which opens with the first thing said. */
  startOver(): void {
    this.storage.writeOutbox([]);
    this.storage.writeSession(null);
    this.adoptSession(null);
    this.change({ outbox: [], obstacle: null, wasClosedElsewhere: false });
  }

  async ensureSession(): Promise<Reply<SessionRecord>> {
    const known = this.current.session;
    if (known !== null) return { ok: true, value: known };
    this.opening ??= this.openSession();
    return this.opening;
  }

  private async openSession(): Promise<Reply<SessionRecord>> {
    const reply = await this.api.openSession();
    this.opening = null;
    if (reply.ok) {
      this.storage.writeSession(reply.value);
      this.adoptSession(reply.value);
    }
    return reply;
  }

  /** Say to the server who the customer is, with a token that the company's own site signed. The session's token changes with it. */
  async identify(userToken: string): Promise<Reply<SessionRecord>> {
    const session = await this.ensureSession();
    if (!session.ok) return session;
    const reply = await this.api.identify(session.value, userToken);
    if (reply.ok && this.current.session?.sessionId === reply.value.sessionId) {
      this.storage.writeSession(reply.value);
      this.connect(reply.value);
    }
    return reply;
  }

  private adoptSession(session: SessionRecord | null): void {
    this.change({ session, thread: emptyThread, connection: "idle" });
    this.connect(session);
  }

  /** Hear this session from where its thread stands. */
  private connect(session: SessionRecord | null): void {
    this.connection?.close();
    this.connection = null;
    this.showTyping(false);
    this.change({ session });
    if (session === null) return;
    this.connection = new Connection(this.api, session, {
      cursor: () => this.current.thread.lastEventId,
      onEvent: (event) => this.takeEvent(event),
      onTyping: () => this.showTyping(true),
      onState: (connection) => this.takeConnectionState(connection),
      onGone: () => this.dropSession(session),
    });
  }

  private takeConnectionState(connection: ConnectionState): void {
    this.change({ connection });
    if (connection === "online") this.sender.wake();
  }

  private takeEvent(event: SessionEvent): void {
    const before = this.current.thread;
    if (leavesGap(before, event)) {
      this.resume();
      return;
    }
    const thread = reduce(before, event);
    if (thread === before) return;
    if (event.type === "message" || event.type === "handoff") this.showTyping(false);
    this.change({ thread });
    if (this.current.outbox.length > 0) this.changeOutbox((outbox) => settle(outbox, thread));
    if (event.type === "resync") this.resume();
  }

  private showTyping(isPersonTyping: boolean): void {
    clearTimeout(this.typingTimer);
    if (isPersonTyping) this.typingTimer = setTimeout(() => this.showTyping(false), TYPING_SHOWN_MS);
    if (isPersonTyping !== this.current.isPersonTyping) this.change({ isPersonTyping });
  }

  private resume(): void {
    const now = performance.now();
    if (now - this.resumedAt < RESUME_AT_MOST_EVERY_MS) return;
    this.resumedAt = now;
    this.connection?.resume();
  }

  private dropSession(session: SessionRecord): void {
    // A request that was under way when the token changed is refused, and the session is there nevertheless.
    if (this.current.session?.token !== session.token) return;
    if (this.storage.readSession()?.sessionId === session.sessionId) this.storage.writeSession(null);
    this.changeOutbox((outbox) => moveToNewSession(outbox, LOST_FILES));
    this.adoptSession(null);
    this.change({ wasClosedElsewhere: true });
  }

  private adoptForeignChange(): void {
    const session = this.storage.readSession();
    if (session?.sessionId !== this.current.session?.sessionId) this.adoptSession(session);
    else if (session?.token !== this.current.session?.token) this.connect(session);
    this.change({ outbox: settle(this.storage.readOutbox(), this.current.thread) });
    this.sender.wake();
  }

  /** Storage is shared with other tabs: what is there now is changed, not what was there when this tab last looked. */
  private changeOutbox(change: (outbox: Outbox) => Outbox): void {
    const before = this.storage.readOutbox();
    const outbox = change(before);
    if (outbox !== before) this.storage.writeOutbox(outbox);
    this.change({ outbox });
  }

  private change(difference: Partial<ConversationState>): void {
    this.current = { ...this.current, ...difference };
    for (const listener of this.listeners) listener();
  }
}

/** A random UUID. `crypto.randomUUID` exists on secure pages only, and a chat inside a company may be on plain HTTP. */
function newClientMessageId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}
