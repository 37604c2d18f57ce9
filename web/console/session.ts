// Everything the views of a signed-in member of staff share: who they are, the routes, and what is live. The views read and subscribe;
// only this changes it.

import { isObject, isSessionEvent } from "../protocol/events";
import { leavesGap } from "../protocol/reduce";
import type { Reply } from "../protocol/rest";
import { type Deed, Desk, type Said } from "./api/desk";
import { failureText, type Http } from "./api/http";
import type { LiveState } from "./api/liveStream";
import { StaffApi } from "./api/staff";
import type {
  CannedReply,
  Colleague,
  Conversation,
  ConversationDetail,
  ConversationPage,
  NoticeKind,
  Presence,
  StaffMember,
  View,
} from "./api/types";
import { emptyInbox, type Inbox, type InboxAction, reduceInbox } from "./state/inbox";
import { openTranscript, type TranscriptState, takeEvent, takeOlder } from "./state/transcript";
import { DeskStreams } from "./streams";
import { customerName } from "./texts";

export interface OpenConversation {
  readonly sessionId: string;
  readonly phase: "loading" | "ready" | "failed";
  readonly failure: string | null;
  readonly detail: ConversationDetail | null;
  readonly transcript: TranscriptState | null;
  readonly isCustomerTyping: boolean;
}

export interface SessionHandlers {
  notify(kind: NoticeKind, sessionId: string): void;
  /** Tell whoever listens to the page instead of looking at it. */
  announce(words: string): void;
  tell(sentence: string, kind: "good" | "bad"): void;
}

/** Further down, the list is read again when somebody scrolls there. */
const MOST_READ_AGAIN = 1_000;
const TYPING_SHOWN_MS = 6_000;
const TYPING_TOLD_MS = 3_000;
/** What they typed to say what was just heard is told by another stream, and may come after it. */
const TYPING_LATE_MS = 1_500;

export class DeskSession {
  readonly desk: Desk;
  readonly staff: StaffApi;
  inbox: Inbox = emptyInbox;
  open: OpenConversation | null = null;
  colleagues: readonly Colleague[] = [];
  replies: readonly CannedReply[] = [];
  live: LiveState = "connecting";
  presence: Presence;
  private readonly listeners = new Set<() => void>();
  private readonly streams: DeskStreams;
  private typingTimer: ReturnType<typeof setTimeout> | undefined;
  private toldTypingAt = 0;
  private customerSaidAt = 0;
  private isFetchingMore = false;
  private isFetchingOlder = false;
  private loading: Promise<void> = Promise.resolve();
  private askedTimes = 0;
  /** What changed while the list is being read, which may know it or not. */
  private heardMeanwhile: Conversation[] | null = null;

  constructor(
    readonly http: Http,
    public me: StaffMember,
    private readonly handlers: SessionHandlers,
  ) {
    this.desk = new Desk(http);
    this.staff = new StaffApi(http);
    this.presence = me.presence ?? "online";
    this.streams = new DeskStreams(http.prefix, {
      cursor: () => null,
      onEvent: (type, data) => this.hear(type, data),
      onState: (state) => this.changeLive(state),
      onRefused: (status) => status === 401 && http.onSignedOut(),
    });
    void this.refreshColleagues();
    void this.refreshReplies();
  }

  close(): void {
    this.streams.close();
    this.closeConversation();
    this.listeners.clear();
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  // The inbox

  async show(view: View, text: string): Promise<void> {
    this.change({ type: "asked", view, text });
    await this.fetchFirst();
  }

  async fetchMore(): Promise<void> {
    const cursor = this.inbox.nextCursor;
    if (cursor === null || this.isFetchingMore) return;
    this.isFetchingMore = true;
    const asked = this.askedTimes;
    const reply = await this.desk.list(this.inbox, cursor);
    this.isFetchingMore = false;
    if (asked === this.askedTimes && reply.ok) this.change({ type: "page", page: reply.value, isFirst: false });
  }

  /** As much of the list as is known, anew and at once: whoever has scrolled stays where they are. */
  async fetchFirst(): Promise<void> {
    this.askedTimes += 1;
    const asked = this.askedTimes;
    const wanted = Math.min(this.inbox.items.length, MOST_READ_AGAIN);
    const items: Conversation[] = [];
    this.heardMeanwhile = [];
    let cursor: string | null = null;
    do {
      const reply: Reply<ConversationPage> = await this.desk.list(this.inbox, cursor);
      if (asked !== this.askedTimes) return;
      if (!reply.ok) {
        this.heardMeanwhile = null;
        this.change({ type: "failed" });
        return;
      }
      items.push(...reply.value.items);
      cursor = reply.value.next_cursor;
      if (cursor === null || items.length >= wanted) this.change({ type: "page", page: { ...reply.value, items }, isFirst: true });
    } while (cursor !== null && items.length < wanted);
    for (const item of this.heardMeanwhile) this.takeItem(item);
    this.heardMeanwhile = null;
  }

  // One conversation

  async openConversation(sessionId: string): Promise<void> {
    if (this.open?.sessionId === sessionId && this.open.phase !== "failed") return;
    this.closeConversation();
    this.open = { sessionId, phase: "loading", failure: null, detail: null, transcript: null, isCustomerTyping: false };
    this.tellListeners();
    this.loading = this.reloadConversation();
    await this.loading;
  }

  /** Once the conversation that was asked for last is there, or cannot be had: whoever presses a key right away means that one. */
  whenOpen(): Promise<void> {
    return this.loading;
  }

  closeConversation(): void {
    this.streams.unfollow();
    clearTimeout(this.typingTimer);
    this.customerSaidAt = 0;
    this.open = null;
    this.tellListeners();
  }

  async reloadConversation(): Promise<void> {
    const sessionId = this.open?.sessionId;
    if (sessionId === undefined) return;
    const reply = await this.desk.get(sessionId);
    if (this.open?.sessionId !== sessionId) return;
    if (!reply.ok) {
      this.open = { ...this.open, phase: "failed", failure: failureText(reply.failure) };
      this.tellListeners();
      return;
    }
    this.open = { ...this.open, phase: "ready", failure: null, detail: reply.value, transcript: openTranscript(reply.value) };
    this.follow(sessionId);
    this.tellListeners();
    if (reply.value.unread > 0) void this.markRead(sessionId);
  }

  /** Do something to the open conversation. Returns whether it was done; says so when it was not. */
  async do(deed: Deed, done?: string): Promise<boolean> {
    const detail = this.open?.detail;
    if (detail === null || detail === undefined) return false;
    const isHarmless = deed.act === "notes" || deed.act === "read";
    const reply = await this.desk.do(detail.session_id, deed, isHarmless ? null : detail.version);
    return this.takeAnswer(detail.session_id, reply, done);
  }

  /** What was said before what is shown. */
  async fetchOlder(): Promise<void> {
    const { open } = this;
    const before = open?.transcript?.olderThan ?? null;
    if (open === null || before === null || this.isFetchingOlder) return;
    this.isFetchingOlder = true;
    const reply = await this.desk.transcript(open.sessionId, before);
    this.isFetchingOlder = false;
    const now = this.open;
    if (now?.sessionId !== open.sessionId || now.transcript?.olderThan !== before) return;
    if (reply.ok) this.open = { ...now, transcript: takeOlder(now.transcript, reply.value) };
    else this.handlers.tell(failureText(reply.failure), "bad");
    this.tellListeners();
  }

  async say(said: Said): Promise<boolean> {
    const sessionId = this.open?.sessionId;
    if (sessionId === undefined) return false;
    const reply = await this.desk.say(sessionId, said);
    if (!reply.ok) this.handlers.tell(failureText(reply.failure), "bad");
    return reply.ok;
  }

  tellTyping(): void {
    const { open } = this;
    if (open?.detail?.assignee?.staff_id !== this.me.staff_id || Date.now() - this.toldTypingAt < TYPING_TOLD_MS) return;
    this.toldTypingAt = Date.now();
    this.desk.typing(open.sessionId);
  }

  async refreshColleagues(): Promise<void> {
    const reply = await this.desk.staff();
    if (!reply.ok) return;
    this.colleagues = reply.value;
    this.tellListeners();
  }

  async refreshReplies(): Promise<void> {
    const reply = await this.desk.replies();
    if (!reply.ok) return;
    this.replies = reply.value;
    this.tellListeners();
  }

  async changePresence(presence: Presence): Promise<void> {
    const reply = await this.staff.changeMe({ presence });
    if (reply.ok) this.presence = presence;
    else this.handlers.tell(failureText(reply.failure), "bad");
    this.tellListeners();
  }

  /** Whether somebody who has a conversation has no console open, or works here no more. */
  hasLeft(staffId: string | undefined): boolean {
    if (staffId === undefined || this.colleagues.length === 0) return false;
    return !this.colleagues.some((colleague) => colleague.staff_id === staffId && colleague.presence !== "offline");
  }

  rename(name: string): void {
    this.me = { ...this.me, name };
    this.tellListeners();
  }

  setTotp(isOn: boolean): void {
    this.me = { ...this.me, totp_enabled: isOn };
  }

  tell(sentence: string, kind: "good" | "bad"): void {
    this.handlers.tell(sentence, kind);
  }

  private takeAnswer(sessionId: string, reply: Reply<Conversation>, done: string | undefined): boolean {
    if (!reply.ok) {
      const isOutdated = reply.failure.kind === "refused" && reply.failure.code === "conversation_changed";
      this.handlers.tell(isOutdated ? "Somebody was quicker. This is how it stands now." : failureText(reply.failure), "bad");
      if (isOutdated) void this.reloadConversation();
      return false;
    }
    this.takeItem(reply.value);
    if (done !== undefined) this.handlers.tell(done, "good");
    // Notes and what hangs on an episode are not part of the item.
    if (this.open?.sessionId === sessionId) void this.refreshDetail(sessionId);
    return true;
  }

  private async refreshDetail(sessionId: string): Promise<void> {
    const reply = await this.desk.get(sessionId);
    if (!reply.ok || this.open?.sessionId !== sessionId || this.open.transcript === null) return;
    this.open = { ...this.open, detail: reply.value, transcript: { ...this.open.transcript, notes: reply.value.notes } };
    this.tellListeners();
    if (reply.value.unread > 0 && document.visibilityState === "visible") void this.markRead(sessionId);
  }

  private async markRead(sessionId: string): Promise<void> {
    const reply = await this.desk.do(sessionId, { act: "read" }, null);
    if (reply.ok) this.takeItem(reply.value);
  }

  private takeItem(item: Conversation): void {
    this.change({ type: "changed", item, me: this.me.staff_id });
    if (this.open?.sessionId === item.session_id && this.open.detail !== null && (item.version ?? 0) >= (this.open.detail.version ?? 0)) {
      this.open = { ...this.open, detail: { ...this.open.detail, ...item } };
      this.tellListeners();
    }
  }

  private hear(type: string, data: unknown): void {
    if (!isObject(data)) return;
    switch (type) {
      case "snapshot":
        // From here on nothing is missed; what came before, between the list and this, may have been.
        void this.fetchFirst();
        if (this.open?.phase === "ready") void this.refreshDetail(this.open.sessionId);
        this.change({ type: "counted", counts: data["counts"] as Inbox["counts"] & object });
        break;
      case "counts":
        this.change({ type: "counted", counts: (data["counts"] ?? data) as unknown as NonNullable<Inbox["counts"]> });
        break;
      case "conversation":
        this.hearConversation((data["item"] ?? data) as unknown as Conversation);
        break;
      case "removed":
        this.change({ type: "removed", sessionId: String(data["session_id"]) });
        break;
      case "typing":
        if (data["session_id"] === this.open?.sessionId) this.showTyping();
        break;
      case "presence":
        this.meet((data["staff"] ?? []) as readonly Colleague[]);
        break;
      case "notice":
        this.handlers.notify(data["kind"] as NoticeKind, String(data["session_id"]));
        break;
    }
  }

  /** Who is there. Whether one is online oneself may have been changed in another tab. */
  private meet(colleagues: readonly Colleague[]): void {
    this.colleagues = colleagues;
    const mine = colleagues.find((colleague) => colleague.staff_id === this.me.staff_id)?.presence;
    if (mine === "online" || mine === "away") this.presence = mine;
    this.tellListeners();
  }

  private hearConversation(item: Conversation): void {
    const isRead = this.open?.sessionId === item.session_id && document.visibilityState === "visible";
    const known = isRead ? { ...item, unread: 0 } : item;
    this.heardMeanwhile?.push(known);
    this.takeItem(known);
    if (isRead && item.unread > 0) void this.markRead(item.session_id);
  }

  private follow(sessionId: string): void {
    this.streams.follow(sessionId, {
      cursor: () => this.open?.transcript?.thread.lastEventId ?? null,
      onEvent: (_type, data) => this.hearEvent(sessionId, data),
      onState: () => undefined,
      onRefused: () => undefined,
    });
  }

  private hearEvent(sessionId: string, data: unknown): void {
    const { open } = this;
    if (open === null || open.sessionId !== sessionId || open.transcript === null) return;
    if (!isSessionEvent(data)) return;
    if (data.type === "resync") {
      void this.reloadConversation();
      return;
    }
    if (leavesGap(open.transcript.thread, data)) {
      this.streams.reread();
      return;
    }
    const transcript = takeEvent(open.transcript, data);
    if (transcript === open.transcript) return;
    const isSaid = data.type === "acknowledged";
    if (isSaid) this.hearCustomer(open, transcript);
    this.open = { ...open, transcript, isCustomerTyping: isSaid ? false : open.isCustomerTyping };
    this.tellListeners();
  }

  private hearCustomer({ detail }: OpenConversation, { thread }: TranscriptState): void {
    this.customerSaidAt = Date.now();
    const said = thread.items.findLast((item) => item.kind === "customer");
    if (detail !== null && said !== undefined) this.handlers.announce(`${customerName(detail)}: ${said.content}`);
  }

  private showTyping(): void {
    if (Date.now() - this.customerSaidAt < TYPING_LATE_MS) return;
    clearTimeout(this.typingTimer);
    const set = (isCustomerTyping: boolean) => {
      if (this.open === null) return;
      this.open = { ...this.open, isCustomerTyping };
      this.tellListeners();
    };
    set(true);
    this.typingTimer = setTimeout(() => set(false), TYPING_SHOWN_MS);
  }

  private changeLive(state: LiveState): void {
    this.live = state;
    this.tellListeners();
  }

  private change(action: InboxAction): void {
    const next = reduceInbox(this.inbox, action);
    if (next === this.inbox) return;
    this.inbox = next;
    this.tellListeners();
  }

  private tellListeners(): void {
    for (const listener of this.listeners) listener();
  }
}
