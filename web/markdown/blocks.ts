// Markdown, as far as answers need it: paragraphs, headings, lists, quotes, code, tables. Everything else is text.

import type { Alignment, Block, Inline } from "./ast";
import { type InlineOptions, parseInline } from "./inline";

const DEEPEST = 6;
const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const HEADING = /^ {0,3}(#{1,6}) +(.*)$/s;
const RULE = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,3})([-*+•]|\d{1,9}[.)])(?:[ \t]+|$)/;
const TABLE_DELIMITER = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;
const INDENT = /^ */;
/** The pattern of a delimiter takes time in the square of the line's length. */
const LONGEST_DELIMITER = 400;

/** A block and the text it was read from: the same text gives the same block, so a view may keep what it has drawn of it. */
export interface SourceBlock {
  readonly block: Block;
  readonly source: string;
}

/** Read an answer. While it is being written (`unfinished`), what the last block has opened is taken as open to its end. */
export function parseMarkdown(text: string, options: InlineOptions): readonly SourceBlock[] {
  const lines = text.replaceAll("\r\n", "\n").replaceAll("\t", "    ").split("\n");
  const blocks: SourceBlock[] = [];
  let position = 0;
  while (position < lines.length) {
    const next = takeBlock(lines, position, { ...options, depth: 0 });
    if (next.block !== null) blocks.push({ block: next.block, source: lines.slice(position, next.end).join("\n") });
    position = next.end;
  }
  return blocks;
}

interface Options extends InlineOptions {
  readonly depth: number;
}

interface Taken {
  readonly block: Block | null;
  /** The line after the block; always past the line it began on. */
  readonly end: number;
}

function parseBlocks(lines: readonly string[], options: Options): readonly Block[] {
  const blocks: Block[] = [];
  let position = 0;
  while (position < lines.length) {
    const { block, end } = takeBlock(lines, position, options);
    if (block !== null) blocks.push(block);
    position = end;
  }
  return blocks;
}

function takeBlock(lines: readonly string[], start: number, options: Options): Taken {
  const line = lines[start] ?? "";
  if (line.trim() === "") return { block: null, end: start + 1 };
  const fence = FENCE.exec(line)?.[1];
  if (fence !== undefined) return takeCode(lines, start, fence);
  const heading = HEADING.exec(line);
  if (heading !== null) {
    const level = (heading[1] ?? "#").length;
    return { block: { type: "heading", level, children: inline((heading[2] ?? "").trim(), lines, start, options) }, end: start + 1 };
  }
  if (RULE.test(line)) return { block: { type: "rule" }, end: start + 1 };
  if (options.depth < DEEPEST && QUOTE.test(line)) return takeQuote(lines, start, options);
  if (options.depth < DEEPEST && ITEM.test(line)) return takeList(lines, start, options);
  if (isTableStart(lines, start)) return takeTable(lines, start, options);
  return takeParagraph(lines, start, options);
}

function inline(text: string, lines: readonly string[], lastLine: number, options: Options): readonly Inline[] {
  return parseInline(text, { unfinished: options.unfinished && lastLine >= lines.length - 1 });
}

function takeCode(lines: readonly string[], start: number, fence: string): Taken {
  let end = start + 1;
  while (end < lines.length && !isClosingFence(lines[end] ?? "", fence)) end += 1;
  return { block: { type: "code", text: lines.slice(start + 1, end).join("\n") }, end: Math.min(end + 1, lines.length) };
}

function isClosingFence(line: string, fence: string): boolean {
  const closing = line.trim();
  return closing.length >= fence.length && closing === fence.charAt(0).repeat(closing.length);
}

function takeQuote(lines: readonly string[], start: number, options: Options): Taken {
  let end = start;
  while (end < lines.length && QUOTE.test(lines[end] ?? "")) end += 1;
  const inner = lines.slice(start, end).map((line) => line.replace(QUOTE, ""));
  const unfinished = options.unfinished && end === lines.length;
  return { block: { type: "quote", children: parseBlocks(inner, { unfinished, depth: options.depth + 1 }) }, end };
}

function takeList(lines: readonly string[], start: number, options: Options): Taken {
  const marker = ITEM.exec(lines[start] ?? "")?.[2] ?? "-";
  const kind = kindOfMarker(marker);
  const items: (readonly Block[])[] = [];
  let end = start;
  for (;;) {
    const match = ITEM.exec(lines[end] ?? "");
    if (match === null || kindOfMarker(match[2] ?? "") !== kind || RULE.test(lines[end] ?? "")) break;
    const item = takeItem(lines, end, match[0].length);
    const unfinished = options.unfinished && item.end === lines.length;
    items.push(parseBlocks(item.lines, { unfinished, depth: options.depth + 1 }));
    end = item.end;
    const next = skipBlank(lines, end);
    if (next < lines.length && kindOfMarker(ITEM.exec(lines[next] ?? "")?.[2] ?? "") === kind) end = next;
  }
  const ordered = kind !== "bullet";
  return { block: { type: "list", ordered, start: ordered ? Number.parseInt(marker, 10) : 1, items }, end };
}

function kindOfMarker(marker: string): string {
  if (marker === "") return "none";
  return /\d/.test(marker) ? `numbered${marker.at(-1)}` : "bullet";
}

function takeItem(lines: readonly string[], start: number, contentIndent: number): { lines: readonly string[]; end: number } {
  const inner = [(lines[start] ?? "").slice(contentIndent)];
  // What is nested under "10." may be indented as under "1."; three columns are enough to belong to the item.
  const needed = Math.min(contentIndent, 2);
  let end = start + 1;
  while (end < lines.length) {
    const line = lines[end] ?? "";
    const indent = INDENT.exec(line)?.[0].length ?? 0;
    if (line.trim() === "") {
      const next = skipBlank(lines, end);
      if (next >= lines.length || (INDENT.exec(lines[next] ?? "")?.[0].length ?? 0) < needed) break;
      // The whole row of them at once: each looking for its own end would not be linear.
      for (; end < next; end += 1) inner.push("");
      continue;
    }
    if (indent >= needed) {
      inner.push(line.slice(Math.min(indent, contentIndent)));
    } else if (startsBlock(lines, end) || (lines[end - 1] ?? "").trim() === "") {
      break;
    } else {
      inner.push(line);
    }
    end += 1;
  }
  return { lines: inner, end };
}

function skipBlank(lines: readonly string[], from: number): number {
  let position = from;
  while (position < lines.length && (lines[position] ?? "").trim() === "") position += 1;
  return position;
}

function isTableStart(lines: readonly string[], start: number): boolean {
  const line = lines[start] ?? "";
  const delimiter = lines[start + 1] ?? "";
  return (
    line.includes("|") &&
    delimiter.length <= LONGEST_DELIMITER &&
    TABLE_DELIMITER.test(delimiter) &&
    splitRow(line).length === splitRow(delimiter).length
  );
}

function takeTable(lines: readonly string[], start: number, options: Options): Taken {
  const head = splitRow(lines[start] ?? "");
  const alignments = splitRow(lines[start + 1] ?? "").map(alignmentOf);
  let end = start + 2;
  while (end < lines.length && (lines[end] ?? "").includes("|")) end += 1;
  const rows = lines.slice(start + 2, end).map((line, row) => {
    const cells = splitRow(line);
    return head.map((_, column) => inline(cells[column] ?? "", lines, start + 2 + row, options));
  });
  return { block: { type: "table", alignments, head: head.map((cell) => parseInline(cell, { unfinished: false })), rows }, end };
}

function splitRow(line: string): readonly string[] {
  const cells: string[] = [""];
  for (const piece of line
    .trim()
    .replace(/^\|/, "")
    .split(/(\\\||\||`[^`]*`)/)) {
    if (piece === "|") cells.push("");
    else cells.push((cells.pop() ?? "") + (piece === "\\|" ? "|" : piece));
  }
  if (cells.length > 1 && cells.at(-1)?.trim() === "") cells.pop();
  return cells.map((cell) => cell.trim());
}

function alignmentOf(delimiter: string): Alignment {
  if (!delimiter.endsWith(":")) return "start";
  return delimiter.startsWith(":") ? "center" : "end";
}

function takeParagraph(lines: readonly string[], start: number, options: Options): Taken {
  let end = start + 1;
  while (end < lines.length && (lines[end] ?? "").trim() !== "" && !startsBlock(lines, end)) end += 1;
  const text = lines
    .slice(start, end)
    .map((line) => line.trimStart())
    .join("\n")
    .trimEnd();
  return { block: { type: "paragraph", children: inline(text, lines, end - 1, options) }, end };
}

function startsBlock(lines: readonly string[], position: number): boolean {
  const line = lines[position] ?? "";
  return FENCE.test(line) || HEADING.test(line) || RULE.test(line) || QUOTE.test(line) || ITEM.test(line) || isTableStart(lines, position);
}
