// What the browser keeps of a conversation between visits: the session with its token, and what was not yet sent. All tabs share it.

import { type Outbox, parseOutbox } from "../protocol/outbox";
import { readStoredSession, type SessionRecord } from "../protocol/rest";
import { parseJson } from "./api";
import { lastingArea } from "./area";

const SESSION_KEY = "deskhand.session";
const OUTBOX_KEY = "deskhand.outbox";

export class BrowserStorage {
  /** Called when another tab has changed something. */
  onForeignChange(listener: () => void): void {
    addEventListener("storage", (event) => {
      if (event.key === null || event.key === SESSION_KEY || event.key === OUTBOX_KEY) listener();
    });
  }

  readSession(): SessionRecord | null {
    const text = lastingArea.getItem(SESSION_KEY);
    return text === null ? null : readStoredSession(parseJson(text));
  }

  writeSession(session: SessionRecord | null): void {
    this.write(SESSION_KEY, session === null ? null : JSON.stringify(session));
  }

  readOutbox(): Outbox {
    return parseOutbox(lastingArea.getItem(OUTBOX_KEY));
  }

  writeOutbox(outbox: Outbox): void {
    this.write(OUTBOX_KEY, outbox.length === 0 ? null : JSON.stringify(outbox));
  }

  private write(key: string, value: string | null): void {
    if (value === null) lastingArea.removeItem(key);
    else lastingArea.setItem(key, value);
  }
}
