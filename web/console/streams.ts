// The streams of one signed-in tab: the inbox's, and that of the conversation that is open. Without HTTP/2 a browser opens six connections to
// a server, over all its tabs. So a tab that is not seen lets its streams go, and goes on from where it was once it is seen; of those that are
// not seen, one keeps the inbox's, so that somebody is told.

import { type LiveHandlers, LiveStream } from "./api/liveStream";

const LOCK = "deskhand.console.inbox";

export class DeskStreams {
  private readonly inbox: LiveStream;
  private conversation: LiveStream | null = null;
  private readonly listeners = new AbortController();
  /** Ends when the tab is seen again: whoever waits for the lock waits no longer, whoever has it gives it back. */
  private hiding = new AbortController();

  constructor(
    private readonly prefix: string,
    handlers: LiveHandlers,
  ) {
    this.inbox = new LiveStream(`${prefix}/desk/events`, handlers);
    document.addEventListener("visibilitychange", () => this.look(), { signal: this.listeners.signal });
    this.look();
  }

  close(): void {
    this.listeners.abort();
    this.hiding.abort();
    this.inbox.close();
    this.unfollow();
  }

  follow(sessionId: string, handlers: LiveHandlers): void {
    this.unfollow();
    this.conversation = new LiveStream(`${this.prefix}/sessions/${sessionId}/events`, handlers);
    if (document.visibilityState === "hidden") this.conversation.pause();
  }

  unfollow(): void {
    this.conversation?.close();
    this.conversation = null;
  }

  /** Read the conversation once more from where it is known to. */
  reread(): void {
    this.conversation?.restart();
  }

  private look(): void {
    this.hiding.abort();
    if (document.visibilityState === "visible") {
      this.inbox.resume();
      this.conversation?.resume();
      return;
    }
    this.conversation?.pause();
    this.hiding = new AbortController();
    // Browsers have locks only where nobody can listen in; elsewhere every tab keeps its inbox.
    if (isSecureContext) void this.takeTurns(this.hiding.signal);
  }

  private async takeTurns(signal: AbortSignal): Promise<void> {
    try {
      await navigator.locks.request(LOCK, { ifAvailable: true }, (lock) => (lock === null ? this.inbox.pause() : whenAborted(signal)));
      await navigator.locks.request(LOCK, { signal }, () => {
        this.inbox.resume();
        return whenAborted(signal);
      });
    } catch (error) {
      if (!(error instanceof DOMException && error.name === "AbortError")) throw error;
    }
  }
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
