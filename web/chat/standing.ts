// How the conversation stands with the server, as the visitor is told.

import type { ConversationState } from "../client/conversation";
import { texts } from "./texts";

export function connectionOf(state: ConversationState): ConversationState["connection"] {
  if (!navigator.onLine) return "offline";
  if (state.obstacle?.kind === "unreachable") return "reconnecting";
  return state.connection;
}

export function bannerOf(state: ConversationState): string | null {
  if (state.wasClosedElsewhere) return texts.closedBanner;
  const shown = connectionOf(state);
  if (shown === "offline") return texts.offlineBanner;
  if (shown === "reconnecting") return texts.reconnectingBanner;
  return state.obstacle === null ? null : texts.busyBanner;
}
