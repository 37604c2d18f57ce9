import { describe, expect, test } from "vitest";
import type { Block, Inline } from "./ast";
import { parseMarkdown } from "./blocks";
import { parseInline } from "./inline";
import { findLinkTarget, splitAddresses } from "./links";
import { letterOf, plainBlocks } from "./plain";

interface CpuUsage {
  readonly user: number;
  readonly system: number;
}

/** Node's, in which the tests run; the pages have no types of it. Microseconds. */
declare const process: { cpuUsage(since?: CpuUsage): CpuUsage };

const LONG = 100_000;
/** For three readings of a long text: ten times what they take, and a tenth of what any in the square of the length takes. */
const MOST_CPU_MS = 4_000;

const blocksOf = (text: string, unfinished = false): readonly Block[] => parseMarkdown(text, { unfinished }).map(({ block }) => block);
const inlineOf = (text: string, unfinished = false): readonly Inline[] => parseInline(text, { unfinished });
const words = (text: string): Inline => ({ type: "text", text });

/** All inline nodes of a tree. */
function allInline(blocks: readonly Block[]): readonly Inline[] {
  const of = (nodes: readonly Inline[]): readonly Inline[] =>
    nodes.flatMap((node) => ("children" in node ? [node, ...of(node.children)] : [node]));
  return blocks.flatMap((block) => {
    switch (block.type) {
      case "paragraph":
      case "heading":
        return of(block.children);
      case "quote":
        return allInline(block.children);
      case "list":
        return block.items.flatMap(allInline);
      case "table":
        return [block.head, ...block.rows].flatMap((row) => row.flatMap(of));
      default:
        return [];
    }
  });
}

function expectReadInTime(text: string): void {
  // Of the processor: on a machine that does other things as well, the clock says nothing.
  const start = process.cpuUsage();
  blocksOf(text);
  blocksOf(text, true);
  blocksOf(`| a | b |\n|---|---|\n${text}x`);
  expect(process.cpuUsage(start).user / 1_000).toBeLessThan(MOST_CPU_MS);
}

describe("inline", () => {
  test("bold, emphasis, strike and code", () => {
    expect(inlineOf("a **b** *c* ~~d~~ `e`")).toEqual([
      words("a "),
      { type: "strong", children: [words("b")] },
      words(" "),
      { type: "emphasis", children: [words("c")] },
      words(" "),
      { type: "strike", children: [words("d")] },
      words(" "),
      { type: "code", text: "e" },
    ]);
  });

  test("nested marks", () => {
    expect(inlineOf("***both*** **a *b* c**")).toEqual([
      { type: "strong", children: [{ type: "emphasis", children: [words("both")] }] },
      words(" "),
      { type: "strong", children: [words("a "), { type: "emphasis", children: [words("b")] }, words(" c")] },
    ]);
  });

  test("marks that mark nothing stay text", () => {
    for (const text of ["2 * 3 * 4", "snake_case_name", "a ** b", "**", "5 < 6 & 7 > 3", "`", "~a~", "[x", "price [a](b"]) {
      expect(plainBlocks(blocksOf(text))).toBe(text);
      expect(allInline(blocksOf(text)).every((node) => node.type === "text")).toBe(true);
    }
  });

  test("escaped marks are characters", () => {
    expect(inlineOf("\\*a\\* \\[1\\]")).toEqual([words("*a* [1]")]);
  });

  test("citations, alone and in a row", () => {
    const ranks = (text: string) => inlineOf(text).flatMap((node) => (node.type === "citation" ? [node.rank] : []));
    expect(ranks("so it is [1]. And so [2][3], [4, 5].")).toEqual([1, 2, 3, 4, 5]);
    expect(ranks("an array[0x] and [1234]")).toEqual([]);
  });

  test("links show their host", () => {
    expect(inlineOf("[Help](https://help.example.com/a?b=c)")).toEqual([
      { type: "link", target: { href: "https://help.example.com/a?b=c", shown: "help.example.com" }, children: [words("Help")] },
    ]);
  });

  test("bare addresses end before the punctuation of the sentence", () => {
    const href = (text: string) => inlineOf(text).flatMap((node) => (node.type === "link" ? [node.target.href] : []));
    expect(href("See https://example.com/a_(b), or (https://example.com/c).")).toEqual([
      "https://example.com/a_(b)",
      "https://example.com/c",
    ]);
    expect(href("<https://example.com/d>")).toEqual(["https://example.com/d"]);
  });

  test("what is open while the text grows is open to its end", () => {
    expect(inlineOf("so **bold", true)).toEqual([words("so "), { type: "strong", children: [words("bold")] }]);
    expect(inlineOf("so `co", true)).toEqual([words("so "), { type: "code", text: "co" }]);
    expect(inlineOf("see [Help](https://exam", true)).toEqual([words("see "), words("Help")]);
    expect(inlineOf("so **bold")).toEqual([words("so **bold")]);
  });
});

describe("blocks", () => {
  test("paragraphs with their line breaks", () => {
    expect(blocksOf("one\ntwo\n\nthree")).toEqual([
      { type: "paragraph", children: [words("one"), { type: "break" }, words("two")] },
      { type: "paragraph", children: [words("three")] },
    ]);
  });

  test("lists, nested and numbered from anywhere", () => {
    const [list] = blocksOf("3. three\n   - a\n   - b\n4. four\n\n5. five");
    expect(list).toMatchObject({ type: "list", ordered: true, start: 3 });
    expect(list?.type === "list" && list.items).toHaveLength(3);
    expect(plainBlocks(blocksOf("1. a\n2. b"))).toBe("1. a\n2. b");
  });

  test("a list directly under a paragraph", () => {
    expect(blocksOf("Steps:\n- a\n- b").map((block) => block.type)).toEqual(["paragraph", "list"]);
  });

  test("tables with alignment, missing cells and pipes in code", () => {
    const [table] = blocksOf("| a | b |\n|:-:|--:|\n| `x|y` | 2 |\n| only |");
    expect(table).toEqual({
      type: "table",
      alignments: ["center", "end"],
      head: [[words("a")], [words("b")]],
      rows: [
        [[{ type: "code", text: "x|y" }], [words("2")]],
        [[words("only")], []],
      ],
    });
  });

  test("code keeps its text, also when the fence is not closed", () => {
    expect(blocksOf("```js\nif (a) {\n\n  **b**\n```\nafter")).toEqual([
      { type: "code", text: "if (a) {\n\n  **b**" },
      { type: "paragraph", children: [words("after")] },
    ]);
    expect(blocksOf("```\nopen")).toEqual([{ type: "code", text: "open" }]);
  });

  test("headings, quotes and rules", () => {
    expect(blocksOf("## Two\n> quoted\n> more\n\n---").map((block) => block.type)).toEqual(["heading", "quote", "rule"]);
  });

  test("a growing text keeps the blocks that came before", () => {
    const text = "First **one**.\n\n- a\n- b\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nLast [1].";
    for (let end = 1; end < text.length; end += 1) {
      const before = parseMarkdown(text.slice(0, end), { unfinished: true }).slice(0, -1);
      const whole = parseMarkdown(text, { unfinished: false });
      const settled = before.filter(({ source }, index) => whole[index]?.source.trimEnd() === source.trimEnd());
      expect(settled.length).toBeGreaterThanOrEqual(before.length - 1);
    }
  });
});

const HOSTILE_ADDRESSES = [
  "javascript:alert(1)",
  "JaVaScRiPt:alert(1)",
  " javascript:alert(1)",
  "java\nscript:alert(1)",
  "java\tscript:alert(1)",
  "\u0001javascript:alert(1)",
  "javascript&colon;alert(1)",
  "data:text/html,<script>alert(1)</script>",
  "vbscript:msgbox(1)",
  "file:///etc/passwd",
  "blob:https://example.com/1",
  "http://example.com",
  "//evil.example",
  "/chat",
  "#top",
  "?a=b",
  "https:evil.example@bank.example",
  "https://bank.example@evil.example",
  "https://user:word@evil.example/",
  "https://",
  "https:// evil.example",
  "mailto:",
  "mailto:a@b.example,c@d.example",
  "mailto:a@b.example%0Abcc:c@d.example",
];

describe("hostile text", () => {
  test.each(HOSTILE_ADDRESSES)("%j leads nowhere", (address) => {
    expect(findLinkTarget(address)).toBeNull();
    for (const text of [`[a](${address})`, `[a](<${address}>)`, `<${address}>`, `![a](${address})`, `[a]: ${address}\n\n[a]`, address]) {
      for (const node of allInline(blocksOf(text))) {
        if (node.type !== "link") continue;
        expect(["https:", "mailto:"]).toContain(new URL(node.target.href).protocol);
        expect(new URL(node.target.href).username).toBe("");
      }
    }
  });

  test("an address that is too long to judge is not a link", () => {
    expect(findLinkTarget(`https://evil.example/${"a".repeat(3_000)}`)).toBeNull();
  });

  test("credentials in an address are not a link", () => {
    expect(findLinkTarget("https://bank.example@evil.example")).toBeNull();
  });

  test("a host in another script is shown as it is resolved", () => {
    expect(findLinkTarget("https://аррӏе.com/")?.shown).toMatch(/^xn--/);
  });

  test("a mail address loses the subject and body that were prepared", () => {
    expect(findLinkTarget("mailto:help@example.com?subject=x&body=y")).toEqual({
      href: "mailto:help@example.com",
      shown: "help@example.com",
    });
  });

  test.each([
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<a href='javascript:alert(1)'>a</a>",
    "<!-- <b> -->",
    "&lt;script&gt;",
    "<style>*{}</style>",
  ])("%s is text", (text) => {
    expect(plainBlocks(blocksOf(text))).toBe(text);
    expect(allInline(blocksOf(text)).every((node) => node.type === "text")).toBe(true);
  });

  test("images are their words, never a request", () => {
    expect(inlineOf("![alt](https://evil.example/pixel.png)")).toEqual([words("alt")]);
    expect(allInline(blocksOf("![a][b]\n\n[b]: https://evil.example/p.png")).every((node) => node.type !== "code")).toBe(true);
    expect(inlineOf("[![alt](https://evil.example/p.png)](https://example.com/)")).toMatchObject([
      { type: "link", target: { shown: "example.com" }, children: [words("alt")] },
    ]);
  });

  test("a link inside a link is its words", () => {
    const links = allInline(blocksOf("[a https://bank.example b](https://evil.example)")).filter((node) => node.type === "link");
    expect(links).toHaveLength(1);
  });

  test.each([
    ["asterisks", "*"],
    ["pairs of asterisks", "** a"],
    ["underscores", "_a "],
    ["brackets", "["],
    ["brackets that begin images", "!["],
    ["brackets that may cite", "[1,"],
    ["links to nowhere", "[]("],
    ["parentheses", "("],
    ["angle brackets", "<"],
    ["exclamation marks", "!"],
    ["hashes", "#"],
    ["links that do not close", "[a]("],
    ["backticks", "`` ` "],
    ["quotes", ">"],
    ["quotes in lists", "> - "],
    ["spaces", " "],
    ["pipes", "|"],
    ["delimiter rows", "|-"],
    ["dashes and spaces", "- "],
    ["heading marks", "# "],
    ["backslashes", "\\"],
    ["tildes", "~~ ~"],
    ["addresses", "https://"],
    ["line feeds", "\n"],
    ["lines of items", "- a\n"],
    ["items that nest", "  - a\n"],
  ])("a long row of %s is read in time", (_, piece) => expectReadInTime(piece.repeat(Math.ceil(LONG / piece.length))), 60_000);

  test.each([
    ["an item before blank lines", `- a\n${"\n".repeat(LONG)}  b`],
    ["a heading of spaces with a break of its own", `# ${" ".repeat(LONG)}\u2028`],
    ["addresses that close more than they open", `https://a.example/${")".repeat(2_000)} `.repeat(LONG / 2_000)],
    ["brackets that all close", `${"[".repeat(LONG / 2)}${"]".repeat(LONG / 2)}(`],
  ])("%s is read in time", (_, text) => expectReadInTime(text), 60_000);

  test("random text never throws and loses no words", () => {
    const alphabet = [
      "a",
      "B",
      " ",
      "\n",
      "\n\n",
      "*",
      "**",
      "_",
      "`",
      "```\n",
      "[",
      "]",
      "(",
      ")",
      "!",
      "|",
      "-",
      "1. ",
      "> ",
      "#",
      "\\",
      "<",
      "https://e.example",
      "🙂",
    ];
    let seed = 7;
    const next = () => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed / 2_147_483_648;
    };
    for (let round = 0; round < 3_000; round += 1) {
      const text = Array.from({ length: 1 + Math.floor(next() * 40) }, () => alphabet[Math.floor(next() * alphabet.length)]).join("");
      const letters = (value: string) => value.replace(/[^aB🙂]/gu, "").length;
      const shown = plainBlocks(blocksOf(text, round % 2 === 0));
      // What a link's address or a fence's first line held may be gone; what was said may not be invented.
      expect(letters(shown)).toBeLessThanOrEqual(letters(text));
    }
  });
});

describe("words of people", () => {
  test("only addresses become links, without the punctuation of their sentence", () => {
    const text = "See (https://a.example/b?c=1&d), **bold** http://no.example xhttps://no.example https://user@no.example javascript:no.";
    const parts = splitAddresses(text);
    expect(parts.map((part) => part.text).join("")).toBe(text);
    expect(parts.filter(({ target }) => target !== null)).toEqual([
      { text: "https://a.example/b?c=1&d", target: { href: "https://a.example/b?c=1&d", shown: "a.example" } },
    ]);
    expect(splitAddresses("")).toEqual([]);
  });

  test("a letter has no marks and no references, and links with their addresses", () => {
    const text =
      "**First**, see [the form](https://a.example/form) [1]\nor https://b.example [2].\n\n1. One\n2. *Two*\n\n- a\n- b\n\n> so [1]";
    expect(letterOf(blocksOf(text))).toBe(
      "First, see the form (https://a.example/form)\nor https://b.example.\n\n1. One\n2. Two\n\n- a\n- b\n\nso",
    );
  });
});
