// How the whole conversation was: asked once it is over for the people, or closed.

import type { Api } from "../../client/api";
import { lastingArea } from "../../client/area";
import type { ConversationState } from "../../client/conversation";
import type { SessionRecord } from "../../protocol/rest";
import type { Thread } from "../../protocol/thread";
import { make, makeButton } from "../dom";
import { makeIcon } from "../icons";
import { texts } from "../texts";

const KEY = "deskhand.rated";
const SCORES = [1, 2, 3, 4, 5] as const;

export class RatingView {
  private session: SessionRecord | null = null;
  /** What is asked about: another end of the same conversation may be rated again. */
  private occasion: string | null = null;
  private score: number | null = null;

  constructor(
    private readonly element: HTMLElement,
    private readonly api: Api,
    private readonly say: (sentence: string) => void,
  ) {}

  update({ session, thread }: ConversationState): void {
    this.session = session;
    const end = endOf(thread);
    const occasion = session === null || end === null ? null : `${session.sessionId}/${end}`;
    if (occasion === this.occasion) return;
    this.occasion = occasion;
    this.score = null;
    this.element.hidden = occasion === null || lastingArea.getItem(KEY) === occasion;
    if (!this.element.hidden) this.draw();
  }

  private draw(): void {
    const stars = SCORES.map((score) =>
      makeButton({
        class: "star",
        label: texts.stars(score),
        icon: makeIcon("star"),
        isLabelHidden: true,
        onClick: () => {
          this.score = score;
          for (const [index, star] of stars.entries()) star.setAttribute("aria-pressed", String(index < score));
          comment.hidden = false;
          void this.send(null);
        },
      }),
    );
    const field = make("textarea", {
      attributes: { rows: "2", maxlength: "1000", "aria-label": texts.comment, placeholder: texts.comment },
    });
    const comment = make(
      "div",
      { class: "rating-comment", attributes: { hidden: "" } },
      field,
      makeButton({ class: "button primary", label: texts.sendComment, onClick: () => void this.finish(field.value.trim()) }),
    );
    const later = makeButton({
      class: "quiet-button rating-close",
      label: texts.notNow,
      icon: makeIcon("close"),
      isLabelHidden: true,
      onClick: () => this.leave(),
    });
    const group = make("div", { class: "stars", attributes: { role: "group", "aria-labelledby": "rating-title" } }, ...stars);
    this.element.replaceChildren(
      make("p", { class: "rating-title", attributes: { id: "rating-title" } }, texts.ratingQuestion),
      later,
      group,
      comment,
    );
  }

  private async finish(comment: string): Promise<void> {
    if (await this.send(comment === "" ? null : comment)) this.leave();
  }

  private async send(comment: string | null): Promise<boolean> {
    const { session, score } = this;
    if (session === null || score === null) return false;
    const reply = await this.api.rateSession(session, score, comment);
    this.say(reply.ok ? texts.ratingThanks : texts.ratingFailed);
    return reply.ok;
  }

  private leave(): void {
    if (this.occasion !== null) lastingArea.setItem(KEY, this.occasion);
    this.element.hidden = true;
  }
}

/** The event that ended it for now; null while it goes on. */
function endOf(thread: Thread): string | null {
  const last = thread.items.findLast((item) => item.kind === "handoff" || item.kind === "mode" || item.kind === "customer");
  const isOver = (last?.kind === "handoff" && last.state === "resolved") || (last?.kind === "mode" && last.status === "ended");
  if (isOver) return last.key;
  // The news that the assistant answers again follows the news that the people are done.
  const at = thread.items.findLastIndex((item) => item.kind === "handoff");
  const resolved = thread.items[at];
  const saidSince = thread.items.findLastIndex((item) => item.kind === "customer") > at;
  return resolved?.kind === "handoff" && resolved.state === "resolved" && !saidSince ? resolved.key : null;
}
