// What an answer may look like: the nodes that Markdown is read into. There is no node for HTML and none for images, so neither
// can be shown, whatever the model writes.

export type Inline =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "break" }
  | { readonly type: "code"; readonly text: string }
  | { readonly type: "strong" | "emphasis" | "strike"; readonly children: readonly Inline[] }
  | { readonly type: "link"; readonly target: LinkTarget; readonly children: readonly Inline[] }
  | { readonly type: "citation"; readonly rank: number };

/** Where a link leads: only https and mailto. `shown` is the host or the mail address, for the reader to judge by. */
export interface LinkTarget {
  readonly href: string;
  readonly shown: string;
}

export type Alignment = "start" | "center" | "end";

export type Block =
  | { readonly type: "paragraph"; readonly children: readonly Inline[] }
  | { readonly type: "heading"; readonly level: number; readonly children: readonly Inline[] }
  | { readonly type: "code"; readonly text: string }
  | { readonly type: "quote"; readonly children: readonly Block[] }
  | { readonly type: "list"; readonly ordered: boolean; readonly start: number; readonly items: readonly (readonly Block[])[] }
  | {
      readonly type: "table";
      readonly alignments: readonly Alignment[];
      readonly head: readonly (readonly Inline[])[];
      readonly rows: readonly (readonly (readonly Inline[])[])[];
    }
  | { readonly type: "rule" };
