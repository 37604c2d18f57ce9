// A way to hear a session: over the WebSocket, or over server-sent events where that cannot be opened.

import type { SessionEvent } from "../protocol/events";

/**
 * `unopened`: it never got so far as to hear anything. `lost`: it was open, and broke. `refused`: the server says that the session is not
 * there, or not this browser's to hear in this way.
 */
export type CloseReason = "unopened" | "lost" | "refused";

export interface ChannelHandlers {
  /** Where the reader stands: the id of the last event it has. */
  cursor(): string;
  onOpen(): void;
  onEvent(event: SessionEvent): void;
  /** A person on the other side is writing. Only over the WebSocket. */
  onTyping(): void;
  /** Called once, and not at all after `close`. */
  onClose(reason: CloseReason, retryMs: number | null): void;
}

export interface Channel {
  close(): void;
  /** Go back to the reader's cursor and send on from there. */
  resume(): void;
  /** Make sure that the other side is there; closes as `lost` if it is not. */
  probe(): void;
  typing(): void;
}
