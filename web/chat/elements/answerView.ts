// One answer of the assistant: growing while it runs, then with its sources, or with what went wrong and what to do.

import type { Answer } from "../../protocol/thread";
import { make, makeButton } from "../dom";
import { makeIcon } from "../icons";
import { stageText, texts, timeText } from "../texts";
import { GrowingText } from "./growingText";
import { MarkdownView } from "./markdownView";
import { SourcesView } from "./sourcesView";

const COPIED_MS = 2_000;

export interface AnswerActions {
  retry(turnId: string): void;
  askForPerson(): void;
  /** Where answers can be judged: what the customer thinks of each. */
  readonly feedback?: Feedback;
}

export type Judgement = "up" | "down";

export interface Feedback {
  find(messageId: string): Judgement | null;
  /** `null` takes it back. */
  give(messageId: string, value: Judgement | null): void;
}

export class AnswerView {
  readonly element: HTMLElement;
  private readonly sources = new SourcesView();
  private readonly prose = new MarkdownView({
    findTitle: (rank) => this.sources.findTitle(rank),
    open: (rank) => this.sources.open(rank),
  });
  private readonly growing: GrowingText;
  private readonly stage = make("p", { class: "stage" });
  private readonly ending = make("div", { class: "ending", attributes: { hidden: "" } });
  private readonly footer = make("footer", { class: "row-footer", attributes: { hidden: "" } });
  private answer: Answer | null = null;
  private shownText = "";
  private isUnfinished = false;
  private isEndDrawn = false;

  constructor(private readonly actions: AnswerActions) {
    this.growing = new GrowingText((text) => this.drawText(text));
    this.element = make(
      "article",
      { class: "row answer", attributes: { "aria-label": texts.answerLabel } },
      this.prose.element,
      this.stage,
      this.ending,
      this.sources.element,
      this.footer,
    );
  }

  update(answer: Answer): void {
    const before = this.answer;
    if (answer === before) return;
    this.answer = answer;
    this.element.dataset["state"] = answer.state;
    this.element.setAttribute("aria-busy", String(answer.state === "running"));
    if (this.sources.update(answer.sources)) this.prose.redraw(this.shownText, { unfinished: this.isUnfinished });
    if (before === null) this.growing.set(answer.text);
    else if (before.text !== answer.text || before.state !== answer.state) this.growing.growTo(answer.text);
    this.drawStage(answer);
    this.drawEndOnceShown(answer);
  }

  private drawText(text: string): void {
    this.shownText = text;
    this.isUnfinished = this.growing.isBehind || this.answer?.state === "running";
    this.prose.update(text, { unfinished: this.isUnfinished });
    if (this.answer !== null) this.drawEndOnceShown(this.answer);
    this.element.dispatchEvent(new CustomEvent("grown", { bubbles: true }));
  }

  private drawStage(answer: Answer): void {
    const isRunning = answer.state === "running";
    this.stage.hidden = !isRunning;
    if (isRunning) this.stage.textContent = stageText(answer.stage, answer.tool);
  }

  /** What stands below the text comes when the text is there. An answer ends once. */
  private drawEndOnceShown(answer: Answer): void {
    if (this.isEndDrawn || answer.state === "running" || this.growing.isBehind) return;
    this.isEndDrawn = true;
    this.ending.hidden = answer.state === "complete" && answer.isAnswered !== false;
    this.footer.hidden = answer.text === "";
    if (answer.state === "complete") this.sources.reveal();
    if (answer.state === "complete") this.ending.replaceChildren(make("div", { class: "buttons" }, this.drawOffer()));
    if (answer.state === "failed") this.ending.replaceChildren(...this.drawFailure(answer));
    if (answer.state === "cancelled") this.ending.replaceChildren(make("p", { class: "mark" }, cancelledText(answer)));
    this.footer.replaceChildren(makeTime(answer.timestamp), ...this.drawCopyButton(), ...this.drawThumbs(answer));
  }

  private drawFailure(answer: Answer): readonly HTMLElement[] {
    const incomplete = answer.text === "" ? null : make("p", { class: "mark" }, texts.incomplete);
    const failure = make(
      "div",
      { class: "failure" },
      make("p", { class: "failure-title" }, makeIcon("warning"), texts.failed),
      make("p", {}, `${answer.failure?.message ?? ""} ${answer.failure?.support ?? ""}`),
      make(
        "div",
        { class: "buttons" },
        makeButton({ class: "button", label: texts.retry, icon: makeIcon("retry"), onClick: () => this.actions.retry(answer.turnId) }),
        this.drawOffer(),
      ),
      make("p", { class: "code-word" }, answer.failure?.code),
    );
    return incomplete === null ? [failure] : [incomplete, failure];
  }

  private drawOffer(): HTMLElement {
    return makeButton({
      class: "button offer-person",
      label: texts.person,
      icon: makeIcon("person"),
      onClick: () => this.actions.askForPerson(),
    });
  }

  /** The clipboard exists on secure pages only. */
  private drawCopyButton(): readonly HTMLElement[] {
    if (!isSecureContext) return [];
    const button = makeButton({ class: "quiet-button", label: texts.copy, icon: makeIcon("copy"), onClick: () => void this.copy(button) });
    return [button];
  }

  private drawThumbs({ messageId, state }: Answer): readonly HTMLElement[] {
    const { feedback } = this.actions;
    if (feedback === undefined || messageId === null || state !== "complete") return [];
    const show = () => {
      for (const [value, thumb] of thumbs) thumb.setAttribute("aria-pressed", String(feedback.find(messageId) === value));
    };
    const makeThumb = (value: Judgement, label: string) =>
      makeButton({
        class: `quiet-button thumb thumb-${value}`,
        label,
        icon: makeIcon("thumb"),
        isLabelHidden: true,
        onClick: () => {
          feedback.give(messageId, feedback.find(messageId) === value ? null : value);
          show();
        },
      });
    const thumbs = new Map([["up", makeThumb("up", texts.helpful)] as const, ["down", makeThumb("down", texts.notHelpful)] as const]);
    show();
    return [...thumbs.values()];
  }

  private async copy(button: HTMLButtonElement): Promise<void> {
    await navigator.clipboard.writeText(this.answer?.text ?? "");
    button.replaceChildren(makeIcon("check"), make("span", { attributes: { role: "status" } }, texts.copied));
    setTimeout(() => button.replaceChildren(makeIcon("copy"), make("span", {}, texts.copy)), COPIED_MS);
  }
}

export function makeTime(timestamp: string): HTMLElement {
  return make("time", { attributes: { datetime: timestamp } }, timeText(timestamp));
}

function cancelledText(answer: Answer): string {
  if (answer.text !== "") return texts.stopped;
  return answer.cancelReason === "session_escalated" ? texts.notAnswered : texts.stoppedEmpty;
}
