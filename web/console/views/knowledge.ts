// What the assistant knows: the documents, putting new ones in, and trying what a question finds.

import { arrange, make } from "../../chat/dom";
import { SourcesView } from "../../chat/elements/sourcesView";
import { failureText, PATIENT_MS } from "../api/http";
import type { AddedView, DocumentView, SourceView } from "../api/types";
import { uploadDocuments } from "../api/upload";
import { makeIcon } from "../icons";
import type { DeskSession } from "../session";
import { momentText } from "../texts";
import { askFirst, makeAction, makeEmpty, makePill } from "./parts";

const PAGE_SIZE = 50;
const SEARCH_AFTER_MS = 220;

export class KnowledgePage {
  readonly element: HTMLElement;
  private readonly rows = make("ul", { class: "documents", attributes: { "aria-label": "Documents" } });
  private readonly status = make("div", { class: "page-message" });
  private readonly more = makeAction({ label: "Show more", onClick: () => void this.load(this.shown.length) });
  private readonly search = make("input", {
    class: "search-input",
    attributes: { type: "search", placeholder: "Search titles and sources", "aria-label": "Search documents" },
  });
  private readonly picker = make("input", {
    attributes: { type: "file", multiple: "", hidden: "", "aria-hidden": "true", tabindex: "-1" },
  });
  private readonly uploads = make("div", { class: "uploads", attributes: { role: "status" } });
  private readonly total = make("p", { class: "page-sub" });
  private shown: readonly DocumentView[] = [];
  private asked = 0;
  private hasBegun = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly session: DeskSession) {
    const upload = makeAction({ label: "Add documents", icon: "upload", kind: "primary", onClick: () => this.picker.click() });
    const drop = make(
      "div",
      { class: "drop" },
      makeIcon("upload"),
      make("p", {}, "Drop files here, or press “Add documents”. Markdown, PDF, Word, HTML, text and more."),
      this.uploads,
    );
    this.more.hidden = true;
    this.element = make(
      "div",
      { class: "page" },
      make(
        "header",
        { class: "page-head" },
        make("div", {}, make("h1", {}, "Knowledge"), this.total),
        this.canEdit() ? upload : null,
        this.picker,
      ),
      this.drawTry(),
      this.canEdit() ? drop : null,
      make("label", { class: "search page-search" }, makeIcon("search"), this.search),
      this.status,
      this.rows,
      this.more,
    );
    this.listen();
  }

  show(): void {
    if (this.hasBegun) return;
    this.hasBegun = true;
    void this.load(0);
  }

  private canEdit(): boolean {
    return this.session.me.role === "admin";
  }

  private listen(): void {
    this.search.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => void this.load(0), SEARCH_AFTER_MS);
    });
    this.picker.addEventListener("change", () => {
      this.put([...(this.picker.files ?? [])]);
      this.picker.value = "";
    });
    if (!this.canEdit()) return;
    this.element.addEventListener("dragover", (event) => {
      if (event.dataTransfer?.types.includes("Files") !== true) return;
      event.preventDefault();
      this.element.classList.add("dropping");
    });
    this.element.addEventListener("dragleave", (event) => event.relatedTarget === null && this.element.classList.remove("dropping"));
    this.element.addEventListener("drop", (event) => {
      event.preventDefault();
      this.element.classList.remove("dropping");
      this.put([...(event.dataTransfer?.files ?? [])]);
    });
  }

  private async load(offset: number): Promise<void> {
    this.asked += 1;
    const asked = this.asked;
    const parameters = new URLSearchParams({ limit: String(PAGE_SIZE), offset: String(offset) });
    const text = this.search.value.trim();
    if (text !== "") parameters.set("text", text);
    const reply = await this.session.http.askFully<readonly DocumentView[]>("GET", `/knowledge/documents?${parameters}`);
    if (asked !== this.asked) return;
    if (!reply.ok) {
      const again = makeAction({ label: "Try again", icon: "retry", onClick: () => void this.load(offset) });
      this.status.replaceChildren(makeEmpty("warning", "The documents cannot be listed", failureText(reply.failure), again));
      return;
    }
    this.shown = offset === 0 ? reply.value.value : [...this.shown, ...reply.value.value];
    const total = Number(reply.value.headers.get("X-Total-Count") ?? this.shown.length);
    this.more.hidden = this.shown.length >= total;
    if (text === "") this.total.textContent = total === 1 ? "1 document" : `${total.toLocaleString()} documents`;
    this.draw(text);
  }

  private draw(text: string): void {
    this.rows.replaceChildren(...this.shown.map((document) => this.drawRow(document)));
    const isEmpty = this.shown.length === 0;
    if (!isEmpty) this.status.replaceChildren();
    else if (text === "")
      this.status.replaceChildren(
        makeEmpty(
          "book",
          "The assistant knows nothing yet",
          "Add your help pages, manuals and policies. Answers come from them, and show where they were found.",
        ),
      );
    else this.status.replaceChildren(makeEmpty("search", "Nothing found", `No document has “${text}” in its title or source.`));
  }

  private drawRow(document: DocumentView): HTMLElement {
    const isOff = document.state === "disabled";
    const switchButton = makeAction({
      label: isOff ? "Enable" : "Disable",
      kind: "quiet",
      onClick: () => void this.change(document, isOff ? "enable" : "disable"),
    });
    const remove = makeAction({ label: `Delete ${document.title}`, icon: "trash", kind: "icon", onClick: () => this.askDelete(document) });
    return make(
      "li",
      { class: "document", attributes: { "data-state": document.state } },
      make("span", { class: "document-mark", attributes: { "aria-hidden": "true" } }, makeIcon("file")),
      make(
        "div",
        { class: "document-words" },
        make("h2", {}, document.title),
        make(
          "p",
          {},
          `${document.source} · ${document.chunks} ${document.chunks === 1 ? "part" : "parts"} · ${momentText(document.updated_at)}`,
        ),
      ),
      document.tier !== "public" && makePill(document.tier === "operators" ? "Team only" : "Customers", "quiet"),
      makePill(
        { active: "In use", scheduled: "Scheduled", expired: "Expired", disabled: "Off" }[document.state],
        document.state === "active" ? "good" : "waiting",
      ),
      this.canEdit() && make("div", { class: "document-actions" }, switchButton, remove),
    );
  }

  private async change(document: DocumentView, act: "enable" | "disable"): Promise<void> {
    const reply = await this.session.http.ask("POST", `/knowledge/documents/${document.document_id}/${act}`, { body: {} });
    if (reply.ok) this.session.tell(act === "enable" ? "The assistant uses it again." : "The assistant uses it no longer.", "good");
    else this.session.tell(failureText(reply.failure), "bad");
    await this.load(0);
  }

  private askDelete(document: DocumentView): void {
    askFirst({
      title: "Delete this document?",
      text: `“${document.title}” is forgotten for good. To take it out of use for a while, disable it instead.`,
      keep: "Keep it",
      deed: "Delete",
      onDeed: () => void this.remove(document),
    });
  }

  private async remove(document: DocumentView): Promise<void> {
    const reply = await this.session.http.ask("DELETE", `/knowledge/documents/${document.document_id}`);
    this.session.tell(reply.ok ? "Deleted." : failureText(reply.failure), reply.ok ? "good" : "bad");
    await this.load(0);
  }

  private put(files: readonly File[]): void {
    if (files.length === 0) return;
    const name = files.length === 1 ? (files[0]?.name ?? "") : `${files.length} files`;
    const bar = make("progress", { attributes: { max: "1", value: "0", "aria-label": `Uploading ${name}` } });
    const words = make("span", {}, `${name}: uploading…`);
    const row = make("div", { class: "upload-row" }, words, bar);
    this.uploads.append(row);
    const report = (share: number) => {
      bar.value = share;
      if (share >= 1) {
        bar.removeAttribute("value");
        words.textContent = `${name}: reading and indexing…`;
      }
    };
    void uploadDocuments(this.session.http.prefix, files, report).then((reply) => {
      bar.remove();
      words.textContent = reply.ok ? `${name}: ${addedText(reply.value)}` : `${name}: ${failureText(reply.failure)}`;
      row.dataset["state"] = reply.ok && reply.value.failed.length === 0 ? "done" : "failed";
      if (reply.ok) void this.load(0);
    });
  }

  private drawTry(): HTMLElement {
    const question = make("input", {
      class: "input",
      attributes: { type: "text", id: "try-question", placeholder: "How do I reset my password?", maxlength: "2000" },
    });
    const results = make("div", { class: "try-results", attributes: { "aria-live": "polite" } });
    const form = make(
      "form",
      { class: "try" },
      make("label", { class: "label", attributes: { for: "try-question" } }, "Try a question"),
      make(
        "div",
        { class: "try-row" },
        question,
        make("button", { class: "act act-plain", attributes: { type: "submit" } }, "See what is found"),
      ),
      results,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (question.value.trim() !== "") void this.tryQuestion(question.value.trim(), results);
    });
    return form;
  }

  private async tryQuestion(query: string, results: HTMLElement): Promise<void> {
    results.replaceChildren(make("p", { class: "nothing" }, "Searching…"));
    const reply = await this.session.http.ask<readonly SourceView[]>("POST", "/chat/search", {
      body: { query, limit: 5 },
      limitMs: PATIENT_MS,
    });
    if (!reply.ok) {
      results.replaceChildren(make("p", { class: "problem" }, failureText(reply.failure)));
      return;
    }
    const view = new SourcesView();
    view.update(reply.value);
    view.reveal();
    arrange(
      results,
      reply.value.length === 0
        ? [make("p", { class: "nothing" }, "Nothing in the documents answers this. The assistant would say so, and offer a person.")]
        : [view.element],
    );
  }
}

function addedText(added: AddedView): string {
  const parts = [
    added.indexed > 0 && `${added.indexed} added`,
    added.unchanged > 0 && `${added.unchanged} known already`,
    added.failed.length > 0 && `${added.failed.length} could not be read`,
  ].filter((part) => part !== false);
  return parts.length === 0 ? "nothing to add" : `${parts.join(", ")}.`;
}
