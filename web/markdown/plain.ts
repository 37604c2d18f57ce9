// The words of an answer without its marks: as they are read aloud, or as somebody writes them in a letter.

import type { Block, Inline, LinkTarget } from "./ast";

interface Manner {
  /** Between paragraphs, lists and the like. */
  readonly between: string;
  readonly lineBreak: string;
  readonly bullet: string;
  link(label: string, target: LinkTarget): string;
  /** What is left of the words before a reference to a source, which is not written. */
  beforeReference(words: string): string;
}

const aloud: Manner = { between: "\n", lineBreak: " ", bullet: "", link: (label) => label, beforeReference: (words) => words };

const written: Manner = {
  between: "\n\n",
  lineBreak: "\n",
  bullet: "- ",
  link: (label, { href, shown }) => (label.includes(shown) ? label : `${label} (${href.replace(/^mailto:/, "")})`),
  beforeReference: (words) => words.trimEnd(),
};

/** One line for each paragraph, heading, item and row. */
export function plainBlocks(blocks: readonly Block[]): string {
  return writeBlocks(blocks, aloud);
}

/** Paragraphs with a line between them, lists with their numbers or dashes, links with their addresses; no references to sources. */
export function letterOf(blocks: readonly Block[]): string {
  return writeBlocks(blocks, written);
}

function writeBlocks(blocks: readonly Block[], manner: Manner): string {
  return blocks.map((block) => writeBlock(block, manner)).join(manner.between);
}

function writeBlock(block: Block, manner: Manner): string {
  const write = (nodes: readonly Inline[]) => writeInline(nodes, manner);
  switch (block.type) {
    case "paragraph":
    case "heading":
      return write(block.children);
    case "code":
      return block.text;
    case "quote":
      return writeBlocks(block.children, manner);
    case "list": {
      const items = { ...manner, between: "\n" };
      const mark = (index: number) => (block.ordered ? `${block.start + index}. ` : manner.bullet);
      return block.items.map((item, index) => `${mark(index)}${writeBlocks(item, items)}`).join("\n");
    }
    case "table":
      return [block.head, ...block.rows].map((row) => row.map(write).join(", ")).join("\n");
    case "rule":
      return "";
  }
}

function writeInline(nodes: readonly Inline[], manner: Manner): string {
  return nodes.reduce((words, node) => (node.type === "citation" ? manner.beforeReference(words) : words + writeNode(node, manner)), "");
}

function writeNode(node: Exclude<Inline, { type: "citation" }>, manner: Manner): string {
  switch (node.type) {
    case "text":
    case "code":
      return node.text;
    case "break":
      return manner.lineBreak;
    case "link":
      return manner.link(writeInline(node.children, manner), node.target);
    default:
      return writeInline(node.children, manner);
  }
}
