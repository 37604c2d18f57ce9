// Keeps one session heard: opens a channel, comes back after a break from the last event seen, and says how it stands.

import type { SessionEvent } from "../protocol/events";
import { isSessionGone, type SessionRecord } from "../protocol/rest";
import type { Api } from "./api";
import { backoffMs } from "./backoff";
import type { Channel, ChannelHandlers, CloseReason } from "./channel";
import { EventStreamChannel } from "./eventStreamChannel";
import { WebSocketChannel } from "./webSocketChannel";

export type ConnectionState = "idle" | "connecting" | "online" | "reconnecting" | "offline";

const FAILED_SOCKETS_BEFORE_STREAM = 2;
/** A channel that broke sooner than this counts as one more failure, so that an open door with nobody behind it is not hammered. */
const STEADY_MS = 5_000;

export interface ConnectionHandlers {
  cursor(): string;
  onEvent(event: SessionEvent): void;
  onTyping(): void;
  onState(state: ConnectionState): void;
  onGone(): void;
}

export class Connection {
  private channel: Channel | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private wasOnline = false;
  private failures = 0;
  private failedSockets = 0;
  private openedAt = 0;
  private readonly listeners = new AbortController();

  constructor(
    private readonly api: Api,
    private readonly session: SessionRecord,
    private readonly handlers: ConnectionHandlers,
  ) {
    const { signal } = this.listeners;
    addEventListener("online", () => this.tryNow(), { signal });
    addEventListener("offline", () => this.channel?.probe(), { signal });
    document.addEventListener("visibilitychange", () => this.look(), { signal });
    this.open();
  }

  close(): void {
    this.listeners.abort();
    clearTimeout(this.timer);
    this.channel?.close();
    this.channel = null;
  }

  resume(): void {
    this.channel?.resume();
  }

  typing(): void {
    this.channel?.typing();
  }

  private look(): void {
    if (document.visibilityState !== "visible") return;
    if (this.channel === null) this.tryNow();
    else this.channel.probe();
  }

  private tryNow(): void {
    if (this.channel === null) this.open();
  }

  private open(): void {
    clearTimeout(this.timer);
    this.handlers.onState(this.wasOnline ? "reconnecting" : "connecting");
    const isStream = this.failedSockets >= FAILED_SOCKETS_BEFORE_STREAM;
    const handlers: ChannelHandlers = {
      cursor: () => this.handlers.cursor(),
      onEvent: (event) => this.handlers.onEvent(event),
      onTyping: () => this.handlers.onTyping(),
      onOpen: () => this.opened(),
      onClose: (reason, retryMs) => this.closed(reason, retryMs, { isStream }),
    };
    this.channel = isStream
      ? new EventStreamChannel(this.api, this.session, handlers)
      : new WebSocketChannel(this.api, this.session, handlers);
  }

  private opened(): void {
    this.wasOnline = true;
    this.openedAt = performance.now();
    this.handlers.onState("online");
  }

  private closed(reason: CloseReason, retryMs: number | null, { isStream }: { isStream: boolean }): void {
    this.channel = null;
    if (reason === "refused") void this.findOutWhy({ isStream });
    else this.tryLater(reason, retryMs, { isStream });
  }

  /** A socket is also refused where a company has not allowed this origin: only the session itself can say that it is gone. */
  private async findOutWhy({ isStream }: { isStream: boolean }): Promise<void> {
    const reply = await this.api.checkSession(this.session);
    if (this.listeners.signal.aborted) return;
    if (!reply.ok && isSessionGone(reply.failure)) {
      this.handlers.onGone();
      return;
    }
    if (reply.ok && !isStream) this.failedSockets = FAILED_SOCKETS_BEFORE_STREAM;
    this.tryLater("unopened", null, { isStream });
  }

  private tryLater(reason: CloseReason, retryMs: number | null, { isStream }: { isStream: boolean }): void {
    const wasSteady = reason === "lost" && performance.now() - this.openedAt > STEADY_MS;
    this.failures = wasSteady ? 1 : this.failures + 1;
    this.failedSockets = failedSocketsAfter(this.failedSockets, reason, { isStream });
    this.handlers.onState(navigator.onLine ? "reconnecting" : "offline");
    this.timer = setTimeout(() => this.open(), Math.max(retryMs ?? 0, backoffMs(this.failures, Math.random())));
  }
}

/** When the stream cannot be opened either, the server is away and the socket is not to blame; when it breaks, the socket gets one more try. */
function failedSocketsAfter(before: number, reason: CloseReason, { isStream }: { isStream: boolean }): number {
  if (isStream) return reason === "unopened" ? 0 : FAILED_SOCKETS_BEFORE_STREAM - 1;
  return reason === "unopened" ? before + 1 : 0;
}
