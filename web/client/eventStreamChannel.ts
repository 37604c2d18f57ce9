// The session over server-sent events, read with fetch: EventSource cannot send the token in a header.

import { isSessionEvent } from "../protocol/events";
import type { SessionRecord } from "../protocol/rest";
import { type Api, parseJson } from "./api";
import type { Channel, ChannelHandlers, CloseReason } from "./channel";
import { SseParser } from "./sseParser";

/** The server sends a heartbeat every 15 s. */
const SILENCE_LIMIT_MS = 40_000;
const OPEN_LIMIT_MS = 10_000;
const REFUSED = new Set([401, 403, 404]);

export class EventStreamChannel implements Channel {
  private readonly abort = new AbortController();
  private readonly parser = new SseParser();
  private isClosed = false;
  private isOpen = false;
  private deadline: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly api: Api,
    private readonly session: SessionRecord,
    private readonly handlers: ChannelHandlers,
  ) {
    void this.read();
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.deadline);
    this.abort.abort();
  }

  /** A stream cannot be asked to go back; the next one starts at the cursor. */
  resume(): void {
    this.end("lost");
  }

  probe(): void {
    // Nothing can be asked of a stream; its heartbeat is watched.
  }

  typing(): void {
    // There is no way to tell it over a stream.
  }

  private async read(): Promise<void> {
    this.expectWithin(OPEN_LIMIT_MS);
    const cursor = this.handlers.cursor();
    const headers = new Headers({ Accept: "text/event-stream", Authorization: `Bearer ${this.session.token}` });
    headers.set("Last-Event-ID", cursor === "" ? "0" : cursor);
    try {
      const response = await fetch(`${this.api.prefix}/sessions/${this.session.sessionId}/events`, {
        headers,
        cache: "no-store",
        credentials: "omit",
        signal: this.abort.signal,
      });
      if (!response.ok || response.body === null) return this.end(REFUSED.has(response.status) ? "refused" : "unopened");
      this.isOpen = true;
      this.handlers.onOpen();
      await this.readBody(response.body.pipeThrough(new TextDecoderStream()).getReader());
      this.end("lost");
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
      this.end(this.isOpen ? "lost" : "unopened");
    }
  }

  private async readBody(reader: ReadableStreamDefaultReader<string>): Promise<void> {
    for (;;) {
      this.expectWithin(SILENCE_LIMIT_MS);
      const { done, value } = await reader.read();
      if (done || this.isClosed) return;
      for (const { data } of this.parser.take(value)) {
        const event = parseJson(data);
        if (isSessionEvent(event) && !this.isClosed) this.handlers.onEvent(event);
      }
    }
  }

  private expectWithin(limitMs: number): void {
    clearTimeout(this.deadline);
    if (!this.isClosed) this.deadline = setTimeout(() => this.end(this.isOpen ? "lost" : "unopened"), limitMs);
  }

  private end(reason: CloseReason): void {
    if (this.isClosed) return;
    this.close();
    this.handlers.onClose(reason, this.parser.retryMs);
  }
}
