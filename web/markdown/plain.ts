// The words of an answer without its marks: what is read aloud.

import type { Block, Inline } from "./ast";

export function plainInline(nodes: readonly Inline[]): string {
  return nodes.map(plainNode).join("");
}

function plainNode(node: Inline): string {
  switch (node.type) {
    case "text":
    case "code":
      return node.text;
    case "break":
      return " ";
    case "citation":
      return "";
    default:
      return plainInline(node.children);
  }
}

/** One line for each paragraph, heading, item and row. */
export function plainBlocks(blocks: readonly Block[]): string {
  return blocks.map(plainBlock).join("\n");
}

function plainBlock(block: Block): string {
  switch (block.type) {
    case "paragraph":
    case "heading":
      return plainInline(block.children);
    case "code":
      return block.text;
    case "quote":
      return plainBlocks(block.children);
    case "list":
      return block.items.map((item, index) => `${block.ordered ? `${block.start + index}. ` : ""}${plainBlocks(item)}`).join("\n");
    case "table":
      return [block.head, ...block.rows].map((row) => row.map(plainInline).join(", ")).join("\n");
    case "rule":
      return "";
  }
}
