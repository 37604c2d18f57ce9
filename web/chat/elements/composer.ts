// Where the customer writes: text, files, send, stop.

import { tabArea } from "../../client/area";
import type { Conversation, ConversationState } from "../../client/conversation";
import type { PublicConfig } from "../../protocol/rest";
import { isBusy } from "../../protocol/thread";
import { findRequired } from "../dom";
import { makeIcon } from "../icons";
import { texts } from "../texts";
import { FilesTray } from "./filesTray";

const DRAFT_KEY = "deskhand.draft";
const COUNT_FROM = 0.8;
const PAGE = { root: document, dropArea: document.body };

export class Composer {
  private readonly form: HTMLFormElement;
  private readonly field: HTMLTextAreaElement;
  private readonly sendButton: HTMLButtonElement;
  private readonly stopButton: HTMLButtonElement;
  private readonly attachButton: HTMLButtonElement;
  private readonly picker: HTMLInputElement;
  private readonly count: HTMLElement;
  private readonly tray: FilesTray;

  constructor(
    private readonly conversation: Conversation,
    private readonly config: PublicConfig,
    prefix: string,
    private readonly handlers: { onSent(): void; say(sentence: string): void },
    private readonly place: { readonly root: NonElementParentNode; readonly dropArea: HTMLElement } = PAGE,
  ) {
    const { root } = place;
    this.form = findRequired("composer", HTMLFormElement, root);
    this.field = findRequired("message", HTMLTextAreaElement, root);
    this.sendButton = findRequired("send", HTMLButtonElement, root);
    this.stopButton = findRequired("stop", HTMLButtonElement, root);
    this.attachButton = findRequired("attach", HTMLButtonElement, root);
    this.picker = findRequired("files", HTMLInputElement, root);
    this.count = findRequired("count", HTMLElement, root);
    this.tray = new FilesTray(findRequired("tray", HTMLUListElement, root), conversation, prefix, config.upload, {
      onChange: () => this.refresh(),
      say: handlers.say,
    });
    this.sendButton.append(makeIcon("send"));
    this.stopButton.prepend(makeIcon("stop"));
    this.attachButton.append(makeIcon("attach"));
    this.picker.accept = config.upload.accept.join(",");
    this.picker.multiple = config.upload.max_files > 1;
    // A quick visitor has begun to write before the page was ready.
    if (this.field.value === "") this.field.value = tabArea.getItem(DRAFT_KEY) ?? "";
    this.listen();
    this.refresh();
  }

  update(state: ConversationState): void {
    const isEnded = state.thread.status === "ended";
    this.stopButton.hidden = !isBusy(state.thread);
    this.field.disabled = isEnded;
    this.attachButton.disabled = isEnded;
    this.field.placeholder = state.thread.status === "escalated" ? texts.placeholderEscalated : texts.placeholder;
    this.refresh();
  }

  focus(): void {
    this.field.focus();
  }

  /** Put a text into the field to be changed, without losing what is being written. */
  edit(content: string): void {
    const written = this.field.value.trim();
    this.field.value = written === "" ? content : `${content}\n${written}`;
    this.refresh();
    this.focus();
  }

  clear(): void {
    this.field.value = "";
    this.tray.clear();
  }

  private listen(): void {
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.field.addEventListener("input", () => {
      this.refresh();
      this.conversation.typing();
    });
    this.field.addEventListener("keydown", (event) => {
      // While an input method composes, Enter belongs to it.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.send();
    });
    this.field.addEventListener("paste", (event) => this.takeFiles(event, event.clipboardData));
    this.stopButton.addEventListener("click", () => {
      this.conversation.stopAnswer();
      this.focus();
    });
    this.attachButton.addEventListener("click", () => this.picker.click());
    this.picker.addEventListener("change", () => {
      this.tray.add(this.picker.files ?? []);
      this.picker.value = "";
      this.focus();
    });
    this.listenForDrops(this.place.dropArea);
  }

  private listenForDrops(area: HTMLElement): void {
    area.addEventListener("dragover", (event) => {
      if (event.dataTransfer?.types.includes("Files") !== true) return;
      event.preventDefault();
      area.classList.add("dropping");
    });
    area.addEventListener("dragleave", (event) => {
      if (event.relatedTarget === null) area.classList.remove("dropping");
    });
    area.addEventListener("drop", (event) => {
      area.classList.remove("dropping");
      this.takeFiles(event, event.dataTransfer);
    });
  }

  private takeFiles(event: Event, transfer: DataTransfer | null): void {
    if (transfer === null || transfer.files.length === 0 || this.field.disabled) return;
    event.preventDefault();
    this.tray.add(transfer.files);
    this.focus();
  }

  private send(): void {
    if (!this.canSend()) return;
    this.conversation.say(this.field.value.trim(), this.tray.take());
    this.field.value = "";
    this.refresh();
    this.handlers.onSent();
  }

  private canSend(): boolean {
    const length = characters(this.field.value.trim());
    return !this.field.disabled && length > 0 && length <= this.config.message_max_characters && this.tray.isSettled;
  }

  private refresh(): void {
    const length = characters(this.field.value.trim());
    const limit = this.config.message_max_characters;
    if (!this.tray.isEmpty && length === 0) this.field.placeholder = texts.placeholderFiles;
    this.sendButton.disabled = !this.canSend();
    this.count.hidden = length < limit * COUNT_FROM;
    this.count.textContent = this.count.hidden ? "" : texts.charactersLeft(limit - length);
    this.count.classList.toggle("over", length > limit);
    if (this.field.value === "") tabArea.removeItem(DRAFT_KEY);
    else tabArea.setItem(DRAFT_KEY, this.field.value);
    this.fit();
  }

  /** As high as the text; the style sheet sets the limit. */
  private fit(): void {
    this.field.style.height = "auto";
    this.field.style.height = `${this.field.scrollHeight}px`;
  }
}

function characters(text: string): number {
  return [...text].length;
}
