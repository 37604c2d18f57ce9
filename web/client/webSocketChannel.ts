// The session over the WebSocket. The token travels as a subprotocol: never in the address, where logs would keep it.

import { compareEventIds, storedNumber } from "../protocol/eventId";
import { isObject, isSessionEvent } from "../protocol/events";
import type { ClientFrame, SessionRecord } from "../protocol/rest";
import { type Api, parseJson } from "./api";
import type { Channel, ChannelHandlers, CloseReason } from "./channel";

const OPEN_LIMIT_MS = 10_000;
const PING_EVERY_MS = 20_000;
const PONG_LIMIT_MS = 8_000;
const REFUSED = new Set([4003, 4004]);
/** The server goes away for a moment, or has too much to do: no fault of the socket. */
const TRY_LATER = new Set([1012, 1013]);

export class WebSocketChannel implements Channel {
  private readonly socket: WebSocket;
  private isOpen = false;
  private isClosed = false;
  private deadline: ReturnType<typeof setTimeout>;
  private readonly pings: ReturnType<typeof setInterval>;
  /** While the server goes back to our cursor: what it had sent before it heard us stands behind this id, and would leave a gap. */
  private goingBackBehind: string | null = null;

  constructor(
    api: Api,
    session: SessionRecord,
    private readonly handlers: ChannelHandlers,
  ) {
    const address = new URL(`/ws?session_id=${encodeURIComponent(session.sessionId)}`, new URL(api.prefix, location.href));
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    this.socket = new WebSocket(address, ["deskhand", `token.${session.token}`]);
    this.socket.addEventListener("message", (event) => this.takeFrame(event.data));
    this.socket.addEventListener("close", (event) => this.end(this.reasonOf(event.code)));
    this.deadline = setTimeout(() => this.end("unopened"), OPEN_LIMIT_MS);
    this.pings = setInterval(() => this.probe(), PING_EVERY_MS);
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.deadline);
    clearInterval(this.pings);
    this.socket.close(1000);
  }

  resume(): void {
    this.send({ type: "resume", after: this.handlers.cursor() });
  }

  probe(): void {
    if (!this.isOpen || this.isClosed) return;
    this.send({ type: "ping" });
    clearTimeout(this.deadline);
    this.deadline = setTimeout(() => this.end("lost"), PONG_LIMIT_MS);
  }

  typing(): void {
    this.send({ type: "typing" });
  }

  private send(frame: ClientFrame): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
  }

  private takeFrame(data: unknown): void {
    if (this.isClosed || typeof data !== "string") return;
    clearTimeout(this.deadline);
    const frame = parseJson(data);
    if (isSessionEvent(frame)) {
      const behind = this.goingBackBehind;
      if (behind !== null && frame.type !== "resync" && compareEventIds(frame.id, behind) > 0) return;
      this.goingBackBehind = null;
      this.handlers.onEvent(frame);
    } else if (isObject(frame) && frame["type"] === "connected") {
      this.takeConnected(typeof frame["last_event_id"] === "string" ? frame["last_event_id"] : "");
    } else if (isObject(frame) && frame["type"] === "pong") {
      this.goingBackBehind = null;
    } else if (isObject(frame) && frame["type"] === "typing" && frame["author"] === "operator") {
      this.handlers.onTyping();
    }
  }

  private takeConnected(lastEventId: string): void {
    this.isOpen = true;
    this.goingBackBehind = storedNumber(this.handlers.cursor()) < storedNumber(lastEventId) ? lastEventId : null;
    this.resume();
    this.probe();
    this.handlers.onOpen();
  }

  private reasonOf(code: number): CloseReason {
    if (REFUSED.has(code)) return "refused";
    return this.isOpen || TRY_LATER.has(code) ? "lost" : "unopened";
  }

  private end(reason: CloseReason): void {
    if (this.isClosed) return;
    this.close();
    this.handlers.onClose(reason, null);
  }
}
