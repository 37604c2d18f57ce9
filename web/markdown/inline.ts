// Markdown inside a block: one pass over the text, in time linear to its length.

import type { Inline } from "./ast";
import { BARE_ADDRESS, findLinkTarget, withoutTrailingPunctuation } from "./links";

const DEEPEST = 6;
const LONGEST_LABEL = 500;
const LONGEST_DESTINATION = 2048;
const PUNCTUATION = /[!-/:-@[-`{-~]/;
const WORD = /[\p{L}\p{N}]/u;
const CITATION = /\[(\d{1,3}(?:\s?,\s?\d{1,3})*)\](?!\()/y;
const ANGLE_ADDRESS = /<((?:https:\/\/|mailto:)[^\s<>"`]{1,2048})>/y;

export interface InlineOptions {
  /** The text is still being written: what was opened and not yet closed is taken as open to the end. */
  readonly unfinished: boolean;
}

export function parseInline(text: string, options: InlineOptions): readonly Inline[] {
  return new InlineParser(text, options, 0).parse();
}

class InlineParser {
  private readonly nodes: Inline[] = [];
  private plain = "";
  private position = 0;
  /** Delimiters that no later text closes: looked for once, so that a row of openers costs no more than its length. */
  private readonly neverClosed = new Set<string>();
  /** Where each bracket that is closed is closed. Read in one pass when first asked for: each opener looking for itself would not be linear. */
  private closings: ReadonlyMap<number, number> | null = null;
  private readonly lastBreak: number;

  constructor(
    private readonly text: string,
    private readonly options: InlineOptions,
    private readonly depth: number,
  ) {
    this.lastBreak = text.lastIndexOf("\n");
  }

  parse(): readonly Inline[] {
    while (this.position < this.text.length) {
      if (!this.takeSpecial()) {
        this.plain += this.text[this.position];
        this.position += 1;
      }
    }
    this.flush();
    return this.nodes;
  }

  private takeSpecial(): boolean {
    const character = this.text[this.position] ?? "";
    switch (character) {
      case "\\":
        return this.takeEscape();
      case "\n":
        return this.takeBreak();
      case "`":
        return this.takeCode();
      case "*":
      case "_":
      case "~":
        return this.takeEmphasis(character);
      case "!":
        return this.text[this.position + 1] === "[" && this.takeLink(this.position + 1, { isImage: true });
      case "[":
        return this.takeCitation() || this.takeLink(this.position, { isImage: false });
      case "<":
        return this.takeAngleAddress();
      case "h":
      case "m":
        return this.takeBareAddress();
      default:
        return false;
    }
  }

  private takeEscape(): boolean {
    const next = this.text[this.position + 1] ?? "";
    if (!PUNCTUATION.test(next)) return false;
    this.plain += next;
    this.position += 2;
    return true;
  }

  private takeBreak(): boolean {
    this.plain = this.plain.trimEnd();
    this.push({ type: "break" }, this.position + 1);
    while (this.text[this.position] === " ") this.position += 1;
    return true;
  }

  private takeCode(): boolean {
    const fence = this.runAt(this.position, "`");
    const start = this.position + fence.length;
    const end = this.findRun(fence, start);
    if (end === -1) {
      if (!this.options.unfinished || start >= this.text.length) return this.takeLiteral(fence);
      return this.push({ type: "code", text: this.text.slice(start) }, this.text.length);
    }
    const inner = this.text.slice(start, end).replaceAll("\n", " ");
    const isPadded = inner.length > 2 && inner.startsWith(" ") && inner.endsWith(" ");
    return this.push({ type: "code", text: isPadded ? inner.slice(1, -1) : inner }, end + fence.length);
  }

  private takeEmphasis(character: string): boolean {
    const run = this.runAt(this.position, character);
    const delimiter = character === "~" ? "~~" : run.length >= 2 ? character.repeat(2) : character;
    const start = this.position + delimiter.length;
    const before = this.text[this.position - 1] ?? "";
    const after = this.text[start] ?? "";
    const opens = after !== "" && !/\s/.test(after) && !(character === "_" && WORD.test(before));
    if (run.length < delimiter.length || run.length > 3 || !opens || this.depth >= DEEPEST) return this.takeLiteral(run);
    const end = this.findCloser(delimiter, start);
    if (end === -1 && !(this.options.unfinished && delimiter.length === 2)) return this.takeLiteral(delimiter);
    const inner = end === -1 ? this.text.slice(start) : this.text.slice(start, end);
    const type = character === "~" ? "strike" : delimiter.length === 2 ? "strong" : "emphasis";
    return this.push({ type, children: this.parseNested(inner) }, end === -1 ? this.text.length : end + delimiter.length);
  }

  private takeCitation(): boolean {
    const match = this.matchHere(CITATION);
    if (match === null) return false;
    this.flush();
    for (const rank of (match[1] ?? "").split(",")) this.nodes.push({ type: "citation", rank: Number(rank) });
    this.position += match[0].length;
    return true;
  }

  private takeLink(open: number, { isImage }: { isImage: boolean }): boolean {
    const close = this.findClosing(open, LONGEST_LABEL);
    if (close === -1 || this.text[close + 1] !== "(") return false;
    const label = this.text.slice(open + 1, close);
    const end = this.findClosing(close + 1, LONGEST_DESTINATION);
    if (end === -1) {
      const isBeingWritten = this.options.unfinished && this.lastBreak < close;
      return isBeingWritten && this.pushAll(this.parseNested(label), this.text.length);
    }
    const [address = ""] = this.text
      .slice(close + 2, end)
      .trim()
      .split(/\s+/, 1);
    const target = isImage ? null : findLinkTarget(address.replace(/^<(.*)>$/, "$1"));
    const children = this.depth >= DEEPEST ? ([{ type: "text", text: label }] as const) : this.parseNested(label).flatMap(withoutLinks);
    return target === null ? this.pushAll(children, end + 1) : this.push({ type: "link", target, children }, end + 1);
  }

  private takeAngleAddress(): boolean {
    const match = this.matchHere(ANGLE_ADDRESS);
    return match !== null && this.pushAddress(match[1] ?? "", match[0].length);
  }

  private takeBareAddress(): boolean {
    if (WORD.test(this.text[this.position - 1] ?? "")) return false;
    const match = this.matchHere(BARE_ADDRESS);
    if (match === null) return false;
    const address = withoutTrailingPunctuation(match[0]);
    return this.pushAddress(address, address.length);
  }

  private pushAddress(address: string, length: number): boolean {
    const target = findLinkTarget(address);
    if (target === null) return false;
    return this.push({ type: "link", target, children: [{ type: "text", text: address.replace(/^mailto:/, "") }] }, this.position + length);
  }

  private parseNested(text: string): readonly Inline[] {
    return new InlineParser(text, this.options, this.depth + 1).parse();
  }

  private matchHere(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.position;
    return pattern.exec(this.text);
  }

  private runAt(position: number, character: string): string {
    let end = position;
    while (this.text[end] === character) end += 1;
    return this.text.slice(position, end);
  }

  /** The next run of exactly `fence`, or -1. */
  private findRun(fence: string, from: number): number {
    if (this.neverClosed.has(fence)) return -1;
    let start = this.text.indexOf("`", from);
    while (start !== -1) {
      const run = this.runAt(start, "`");
      if (run.length === fence.length) return start;
      start = this.text.indexOf("`", start + run.length);
    }
    this.neverClosed.add(fence);
    return -1;
  }

  private findCloser(delimiter: string, from: number): number {
    if (this.neverClosed.has(delimiter)) return -1;
    const character = delimiter.charAt(0);
    let start = this.text.indexOf(delimiter, from);
    while (start !== -1) {
      const run = this.runAt(start, character);
      const fits = delimiter.length === 1 ? run.length !== 2 : run.length >= 2;
      const end = start + run.length - delimiter.length;
      const follows = this.text[end + delimiter.length] ?? "";
      if (fits && !/\s/.test(this.text[start - 1] ?? " ") && !(character === "_" && WORD.test(follows))) return end;
      start = this.text.indexOf(delimiter, start + run.length);
    }
    this.neverClosed.add(delimiter);
    return -1;
  }

  private findClosing(open: number, longest: number): number {
    this.closings ??= closingBrackets(this.text);
    const close = this.closings.get(open) ?? -1;
    return close < open + longest ? close : -1;
  }

  private takeLiteral(text: string): boolean {
    this.plain += text;
    this.position += text.length;
    return true;
  }

  private push(node: Inline, next: number): boolean {
    return this.pushAll([node], next);
  }

  private pushAll(nodes: readonly Inline[], next: number): boolean {
    this.flush();
    this.nodes.push(...nodes);
    this.position = next;
    return true;
  }

  private flush(): void {
    if (this.plain !== "") this.nodes.push({ type: "text", text: this.plain });
    this.plain = "";
  }
}

/** A link inside a link would show one address and lead to another. */
function withoutLinks(node: Inline): readonly Inline[] {
  return node.type === "link" ? node.children : [node];
}

/** The place that closes each "[" and each "(" of a text. The two kinds do not see each other; what follows a backslash is no bracket. */
function closingBrackets(text: string): ReadonlyMap<number, number> {
  const closings = new Map<number, number>();
  const square: number[] = [];
  const round: number[] = [];
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (character === "\\") index += 1;
    else if (character === "[") square.push(index);
    else if (character === "(") round.push(index);
    else if (character === "]" || character === ")") {
      const open = (character === "]" ? square : round).pop();
      if (open !== undefined) closings.set(open, index);
    }
  }
  return closings;
}

/** An address without what belongs to the sentence around it. A ")" stays when it closes a "(" of the address. */
