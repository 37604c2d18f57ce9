// Sends what waits in the outbox, one message after the other, until the server has confirmed or refused each.

import type { OutboxEntry } from "../protocol/outbox";
import { isSessionGone, isWorthRetrying, type Refusal, type Reply, type RequestFailure, type SessionRecord } from "../protocol/rest";
import type { Api } from "./api";
import { backoffMs } from "./backoff";

export interface SenderHandlers {
  nextToSend(): OutboxEntry | undefined;
  /** The session to send to; opens one when there is none. */
  ensureSession(): Promise<Reply<SessionRecord>>;
  onAccepted(clientMessageId: string): void;
  onRefused(clientMessageId: string, refusal: Refusal): void;
  onSessionGone(session: SessionRecord): void;
  /** The present obstacle, or null when there is none. */
  onObstacle(failure: RequestFailure | null): void;
}

export class Sender {
  private isRunning = false;
  private failures = 0;
  private wakeUp: (() => void) | null = null;

  constructor(
    private readonly api: Api,
    private readonly handlers: SenderHandlers,
  ) {
    addEventListener("online", () => this.wake());
  }

  /** Something is to be sent, or it has become likelier that sending succeeds. */
  wake(): void {
    this.wakeUp?.();
    if (!this.isRunning) void this.run();
  }

  private async run(): Promise<void> {
    this.isRunning = true;
    for (let entry = this.handlers.nextToSend(); entry !== undefined; entry = this.handlers.nextToSend()) {
      const failure = await this.send(entry);
      this.failures = failure === null ? 0 : this.failures + 1;
      this.handlers.onObstacle(failure);
      if (failure !== null) await this.pause(failure);
    }
    this.isRunning = false;
  }

  /** Returns why it has to be tried again, or null when the entry is done with. */
  private async send(entry: OutboxEntry): Promise<RequestFailure | null> {
    const session = await this.handlers.ensureSession();
    if (!session.ok) return this.judge(entry, session.failure);
    const reply = await this.api.postMessage(session.value, entry);
    if (reply.ok) {
      this.handlers.onAccepted(entry.clientMessageId);
      return null;
    }
    if (isSessionGone(reply.failure)) {
      this.handlers.onSessionGone(session.value);
      return reply.failure;
    }
    return this.judge(entry, reply.failure);
  }

  private judge(entry: OutboxEntry, failure: RequestFailure): RequestFailure | null {
    if (failure.kind === "unreachable" || isWorthRetrying(failure)) return failure;
    this.handlers.onRefused(entry.clientMessageId, failure);
    return null;
  }

  private async pause(failure: RequestFailure): Promise<void> {
    const asked = failure.kind === "refused" ? (failure.retryAfterSeconds ?? 0) * 1000 : 0;
    const wait = Math.max(asked, backoffMs(this.failures, Math.random()));
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, wait);
      // A server that asks for time is given it; a network that comes back is used at once.
      if (asked === 0) {
        this.wakeUp = () => {
          clearTimeout(timer);
          resolve();
        };
      }
    });
    this.wakeUp = null;
  }
}
