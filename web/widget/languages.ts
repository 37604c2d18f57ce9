// Loads the words of one language; each is a file of its own, so that a visitor pays for theirs alone.

import { english, type Texts } from "../chat/texts";
import type { Language } from "./language";
import { englishWidget, type WidgetWords } from "./widgetTexts";

export interface LanguageFile {
  readonly words: Texts;
  readonly own: WidgetWords;
}

const FILES: Readonly<Record<Exclude<Language, "en">, () => Promise<LanguageFile>>> = {
  de: () => import("./languages/de"),
  fr: () => import("./languages/fr"),
  es: () => import("./languages/es"),
  it: () => import("./languages/it"),
  pt: () => import("./languages/pt"),
  nl: () => import("./languages/nl"),
  ar: () => import("./languages/ar"),
};

export async function readLanguage(language: Language): Promise<LanguageFile> {
  return language === "en" ? { words: english, own: englishWidget } : await FILES[language]();
}
