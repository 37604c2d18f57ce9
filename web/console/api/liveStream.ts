// Server-sent events that are kept open: comes back after a break, later each time, and at once when the network is back.

import { parseJson } from "../../client/api";
import { backoffMs } from "../../client/backoff";
import { SseParser } from "../../client/sseParser";

/** The server sends a heartbeat every 15 s. */
const SILENCE_LIMIT_MS = 40_000;
/** A stream that broke sooner than this counts as one more failure. */
const STEADY_MS = 5_000;
const REFUSED = new Set([401, 403, 404]);

/** `paused`: nobody wants to hear it now. */
export type LiveState = "connecting" | "online" | "offline" | "paused";

export interface LiveHandlers {
  /** Where to go on from; null where the stream always begins with how things stand. */
  cursor(): string | null;
  /** `type` is the name of the event on the wire. */
  onEvent(type: string, data: unknown): void;
  onState(state: LiveState): void;
  onRefused(status: number): void;
}

export class LiveStream {
  private abort = new AbortController();
  private readonly listeners = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private deadline: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;
  private isPaused = false;

  constructor(
    private readonly url: string,
    private readonly handlers: LiveHandlers,
  ) {
    const { signal } = this.listeners;
    addEventListener("online", () => !this.isPaused && this.restart(), { signal });
    addEventListener("offline", () => this.abort.abort(), { signal });
    void this.run();
  }

  close(): void {
    this.listeners.abort();
    this.leave();
  }

  /** Let the connection go until `resume`. */
  pause(): void {
    if (this.isPaused) return;
    this.isPaused = true;
    this.leave();
    this.handlers.onState("paused");
  }

  resume(): void {
    if (this.isPaused) this.restart();
  }

  /** Leave what is open, and come back from the cursor. */
  restart(): void {
    this.isPaused = false;
    this.leave();
    if (!this.listeners.signal.aborted) void this.run();
  }

  private leave(): void {
    clearTimeout(this.timer);
    clearTimeout(this.deadline);
    this.abort.abort();
  }

  private async run(): Promise<void> {
    const abort = new AbortController();
    this.abort = abort;
    this.handlers.onState("connecting");
    const begun = performance.now();
    const parser = new SseParser();
    const mayRetry = await this.read(abort, parser);
    clearTimeout(this.deadline);
    // A newer run has taken over, or nobody listens any more.
    if (this.abort !== abort || this.listeners.signal.aborted || this.isPaused || !mayRetry) return;
    this.failures = performance.now() - begun > STEADY_MS ? 1 : this.failures + 1;
    this.handlers.onState("offline");
    this.timer = setTimeout(() => void this.run(), parser.retryMs ?? backoffMs(this.failures, Math.random()));
  }

  /** Returns whether it makes sense to come back. */
  private async read(abort: AbortController, parser: SseParser): Promise<boolean> {
    const headers = new Headers({ Accept: "text/event-stream", "X-Deskhand": "console" });
    const cursor = this.handlers.cursor();
    if (cursor !== null) headers.set("Last-Event-ID", cursor);
    try {
      this.expectSoon(abort);
      const response = await fetch(this.url, { headers, cache: "no-store", credentials: "same-origin", signal: abort.signal });
      if (REFUSED.has(response.status)) {
        this.handlers.onRefused(response.status);
        return false;
      }
      if (!response.ok || response.body === null) return true;
      this.handlers.onState("online");
      await this.readBody(abort, parser, response.body.pipeThrough(new TextDecoderStream()).getReader());
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
    }
    return true;
  }

  private async readBody(abort: AbortController, parser: SseParser, reader: ReadableStreamDefaultReader<string>): Promise<void> {
    for (;;) {
      this.expectSoon(abort);
      const { done, value } = await reader.read();
      if (done || abort.signal.aborted) return;
      for (const { type, data } of parser.take(value)) this.handlers.onEvent(type, parseJson(data));
    }
  }

  private expectSoon(abort: AbortController): void {
    clearTimeout(this.deadline);
    this.deadline = setTimeout(() => abort.abort(), SILENCE_LIMIT_MS);
  }
}
