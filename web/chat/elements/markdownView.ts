// Draws an answer's Markdown. What has not changed since the last time is left alone, so that growing text costs only its last block.

import type { Block, Inline } from "../../markdown/ast";
import { parseMarkdown } from "../../markdown/blocks";
import { make } from "../dom";
import { texts } from "../texts";

export interface Citations {
  /** The title of the source with this number, or null while there is none: then the number is only text. */
  findTitle(rank: number): string | null;
  open(rank: number): void;
}

export class MarkdownView {
  readonly element = make("div", { class: "prose", attributes: { dir: "auto" } });
  private drawn: readonly string[] = [];

  constructor(private readonly citations: Citations) {}

  update(text: string, { unfinished }: { unfinished: boolean }): void {
    const blocks = parseMarkdown(text, { unfinished });
    const keys = blocks.map(({ source }, index) => `${unfinished && index === blocks.length - 1 ? "open" : "closed"}:${source}`);
    const same = keys.findIndex((key, index) => key !== this.drawn[index]);
    const keep = same === -1 ? keys.length : same;
    while (this.element.childNodes.length > keep) this.element.lastChild?.remove();
    for (const { block } of blocks.slice(keep)) this.element.append(this.drawBlock(block));
    this.drawn = keys;
  }

  /** Draw all of it again: the sources have become known. */
  redraw(text: string, options: { unfinished: boolean }): void {
    this.drawn = [];
    this.update(text, options);
  }

  private drawBlock(block: Block): HTMLElement {
    switch (block.type) {
      case "paragraph":
        return make("p", {}, ...this.draw(block.children));
      case "heading":
        return this.drawHeading(block.level, block.children);
      case "code":
        return make("pre", { attributes: { tabindex: "0", role: "region", "aria-label": texts.codeLabel } }, make("code", {}, block.text));
      case "quote":
        return make("blockquote", {}, ...block.children.map((child) => this.drawBlock(child)));
      case "rule":
        return make("hr");
      case "list":
        return this.drawList(block);
      case "table":
        return this.drawTable(block);
    }
  }

  /** All of one level below the page's own: a model skips levels, which would tear the outline that a screen reader walks. */
  private drawHeading(level: number, children: readonly Inline[]): HTMLElement {
    return make("h3", { class: level <= 3 ? "heading" : "heading small" }, ...this.draw(children));
  }

  private drawList(block: Extract<Block, { type: "list" }>): HTMLElement {
    const items = block.items.map((item) => make("li", {}, ...this.drawItem(item)));
    if (!block.ordered) return make("ul", {}, ...items);
    return make("ol", { attributes: { start: block.start === 1 ? null : String(block.start) } }, ...items);
  }

  private drawItem(blocks: readonly Block[]): readonly (Node | string)[] {
    return blocks.flatMap((block, index) =>
      index === 0 && block.type === "paragraph" ? [...this.draw(block.children)] : [this.drawBlock(block)],
    );
  }

  private drawTable(block: Extract<Block, { type: "table" }>): HTMLElement {
    const cell = (tag: "th" | "td", children: readonly Inline[], column: number) =>
      make(
        tag,
        { class: `align-${block.alignments[column] ?? "start"}`, attributes: { scope: tag === "th" ? "col" : null } },
        ...this.draw(children),
      );
    const head = make("tr", {}, ...block.head.map((children, column) => cell("th", children, column)));
    const rows = block.rows.map((row) => make("tr", {}, ...row.map((children, column) => cell("td", children, column))));
    return make(
      "div",
      { class: "table", attributes: { tabindex: "0", role: "region", "aria-label": texts.tableLabel } },
      make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows)),
    );
  }

  private draw(nodes: readonly Inline[]): readonly (Node | string)[] {
    return nodes.map((node) => this.drawInline(node));
  }

  private drawInline(node: Inline): Node | string {
    switch (node.type) {
      case "text":
        return node.text;
      case "break":
        return make("br");
      case "code":
        return make("code", {}, node.text);
      case "strong":
        return make("strong", {}, ...this.draw(node.children));
      case "emphasis":
        return make("em", {}, ...this.draw(node.children));
      case "strike":
        return make("s", {}, ...this.draw(node.children));
      case "link":
        return this.drawLink(node);
      case "citation":
        return this.drawCitation(node.rank);
    }
  }

  private drawLink(node: Extract<Inline, { type: "link" }>): HTMLElement {
    const link = makeOutsideLink(node.target.href, ...this.draw(node.children));
    const label = link.textContent ?? "";
    // The label is the model's word; where the link leads is the address's.
    if (!label.includes(node.target.shown)) link.append(make("span", { class: "host" }, ` (${node.target.shown})`));
    return link;
  }

  private drawCitation(rank: number): Node | string {
    const title = this.citations.findTitle(rank);
    if (title === null) return `[${rank}]`;
    const label = texts.citation(rank, title);
    return make(
      "button",
      { class: "citation", attributes: { type: "button", "aria-label": label, title: label }, onClick: () => this.citations.open(rank) },
      String(rank),
    );
  }
}

/** A link out of the page, which learns nothing of where the reader came from. */
export function makeOutsideLink(href: string, ...children: readonly (Node | string)[]): HTMLAnchorElement {
  return make("a", { attributes: { href, target: "_blank", rel: "noopener noreferrer nofollow" } }, ...children);
}
