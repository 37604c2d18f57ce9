// What the script on the company's page and the conversation, which is loaded later, know of each other.

import type { Language } from "./language";

export type Side = "left" | "right";
export type Theme = "auto" | "light" | "dark";

export interface Options {
  /** The desk's address, without a slash at its end. */
  readonly desk: string;
  readonly prefix: string;
  /** `#rrggbb`; null is the desk's own colour. */
  readonly colour: string | null;
  readonly side: Side;
  readonly theme: Theme;
  readonly language: Language;
  /** null: the words of the language. */
  readonly greeting: string | null;
  /** null: those of the desk's settings. */
  readonly suggestions: readonly string[] | null;
}

export interface MessageNews {
  readonly author: "assistant" | "operator";
  readonly text: string;
}

/** Told to the company's page by `Deskhand.on`. */
export interface News {
  readonly open: Readonly<Record<string, never>>;
  readonly close: Readonly<Record<string, never>>;
  readonly message: MessageNews;
  readonly unread: { readonly count: number };
  readonly identity: { readonly state: "verified" } | { readonly state: "refused"; readonly code: string };
}

/** What the conversation asks of the frame around it. */
export interface Frame {
  readonly options: Options;
  /** Everything of the widget, in its shadow tree. */
  readonly shell: HTMLElement;
  readonly root: ShadowRoot;
  tell<Name extends keyof News>(name: Name, news: News[Name]): void;
  close(): void;
}

export interface Panel {
  readonly element: HTMLElement;
  /** It has come into sight, or gone out of it. */
  show(isOpen: boolean): void;
  identify(userToken: string): void;
}

export interface PanelModule {
  mountPanel(frame: Frame): Promise<Panel>;
}
