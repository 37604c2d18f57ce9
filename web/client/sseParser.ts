// Server-sent events from a byte stream that may be cut anywhere.

export interface ServerSentEvent {
  readonly type: string;
  readonly data: string;
}

export class SseParser {
  private rest = "";
  private type = "";
  private data: string[] = [];
  /** What the server asks to wait before coming back; null until it has. */
  retryMs: number | null = null;

  /** Take the next piece; return the events that it completes. */
  take(piece: string): readonly ServerSentEvent[] {
    const events: ServerSentEvent[] = [];
    const text = this.rest + piece;
    // A CR at the very end may be half of a CRLF.
    const usable = text.endsWith("\r") ? text.slice(0, -1) : text;
    const lines = usable.split(/\r\n|\r|\n/);
    this.rest = (lines.pop() ?? "") + text.slice(usable.length);
    for (const line of lines) {
      if (line !== "") this.takeField(line);
      else if (this.data.length > 0) {
        events.push({ type: this.type === "" ? "message" : this.type, data: this.data.join("\n") });
        this.reset();
      } else this.reset();
    }
    return events;
  }

  private takeField(line: string): void {
    const colon = line.indexOf(":");
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") this.type = value;
    else if (name === "data") this.data.push(value);
    else if (name === "retry" && /^\d+$/.test(value)) this.retryMs = Number(value);
  }

  private reset(): void {
    this.type = "";
    this.data = [];
  }
}
