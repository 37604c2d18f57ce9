// The files that go with the next message: picked, dropped or pasted; checked here, then given to the session one by one.

import type { Conversation } from "../../client/conversation";
import { type UploadTask, uploadFile } from "../../client/upload";
import type { Attachment } from "../../protocol/events";
import type { PublicConfig, RequestFailure } from "../../protocol/rest";
import { make, makeButton } from "../dom";
import { makeIcon } from "../icons";
import { bytesText, texts } from "../texts";

interface TrayFile {
  readonly element: HTMLLIElement;
  readonly state: HTMLElement;
  readonly bar: HTMLProgressElement;
  attachment: Attachment | null;
  isFailed: boolean;
  task: UploadTask | null;
}

export class FilesTray {
  private files: readonly TrayFile[] = [];

  /** `onChange` is called when a file has come, gone or become ready; `say` reads a sentence out. */
  constructor(
    private readonly element: HTMLElement,
    private readonly conversation: Conversation,
    private readonly prefix: string,
    private readonly limits: PublicConfig["upload"],
    private readonly handlers: { onChange(): void; say(sentence: string): void },
  ) {}

  get isEmpty(): boolean {
    return this.files.every((file) => file.isFailed);
  }

  /** Whether every file that can be sent has arrived. */
  get isSettled(): boolean {
    return this.files.every((file) => file.isFailed || file.attachment !== null);
  }

  add(files: Iterable<File>): void {
    for (const file of files) this.addOne(file);
    this.handlers.onChange();
  }

  /** The files for the message that is being sent. The tray is empty afterwards. */
  take(): readonly Attachment[] {
    const attachments = this.files.map((file) => file.attachment).filter((attachment) => attachment !== null);
    this.clear();
    return attachments;
  }

  clear(): void {
    for (const file of this.files) file.task?.abort();
    this.files = [];
    this.element.replaceChildren();
    this.element.hidden = true;
    this.handlers.onChange();
  }

  private addOne(file: File): void {
    const entry = this.draw(file);
    this.files = [...this.files, entry];
    this.element.append(entry.element);
    this.element.hidden = false;
    const problem = this.findProblem(file);
    if (problem === null) void this.upload(file, entry);
    else this.fail(entry, problem);
  }

  private findProblem(file: File): string | null {
    const { accept, max_bytes: maxBytes, max_files: maxFiles } = this.limits;
    const name = file.name.toLowerCase();
    const isKnown = accept.some((kind) => (kind.startsWith(".") ? name.endsWith(kind.toLowerCase()) : kind === file.type));
    if (!isKnown) return texts.wrongKind(accept.filter((kind) => kind.startsWith(".")).join(" "));
    if (file.size > maxBytes) return texts.tooLarge(bytesText(maxBytes));
    if (file.size === 0) return texts.emptyFile;
    return this.files.filter((entry) => !entry.isFailed).length > maxFiles ? texts.tooManyFiles(maxFiles) : null;
  }

  private async upload(file: File, entry: TrayFile): Promise<void> {
    const session = await this.conversation.ensureSession();
    if (!this.files.includes(entry)) return;
    if (!session.ok) return this.fail(entry, failureText(session.failure));
    entry.task = uploadFile(this.prefix, session.value, file, (share) => {
      entry.bar.value = share;
      entry.state.textContent = share < 1 ? texts.uploading(Math.round(share * 100)) : texts.reading;
    });
    const reply = await entry.task.done;
    entry.task = null;
    if (!reply.ok) return this.fail(entry, failureText(reply.failure));
    if (reply.value.error !== null) return this.fail(entry, reply.value.error);
    entry.attachment = reply.value.attachment;
    entry.bar.hidden = true;
    entry.state.textContent = bytesText(file.size);
    this.handlers.say(`${file.name}: ${texts.fileReady}`);
    this.handlers.onChange();
  }

  private fail(entry: TrayFile, problem: string): void {
    entry.isFailed = true;
    entry.bar.hidden = true;
    entry.element.classList.add("failed");
    entry.state.textContent = problem;
    this.handlers.say(problem);
    this.handlers.onChange();
  }

  private draw(file: File): TrayFile {
    const state = make("span", { class: "chip-size" }, texts.uploading(0));
    const bar = make("progress", { attributes: { max: "1", value: "0", "aria-label": file.name } });
    const remove = makeButton({
      class: "chip-remove",
      label: texts.removeFile(file.name),
      icon: makeIcon("close"),
      isLabelHidden: true,
      onClick: () => this.remove(entry),
    });
    const name = make("span", { class: "chip-name" }, file.name);
    const element = make("li", { class: "chip" }, makeIcon("file"), make("span", { class: "chip-words" }, name, state, bar), remove);
    const entry: TrayFile = { element, state, bar, attachment: null, isFailed: false, task: null };
    return entry;
  }

  private remove(entry: TrayFile): void {
    entry.task?.abort();
    this.files = this.files.filter((file) => file !== entry);
    entry.element.remove();
    this.element.hidden = this.files.length === 0;
    this.handlers.onChange();
  }
}

function failureText(failure: RequestFailure): string {
  return failure.kind === "unreachable" ? texts.uploadUnreachable : `${failure.message} ${failure.support}`;
}
