// Light and dark: as the device says, unless the visitor chose.

import { lastingArea } from "../client/area";
import { type IconName, makeIcon } from "./icons";
import { texts } from "./texts";

type Theme = "auto" | "light" | "dark";

const KEY = "deskhand.theme";
const NEXT: Readonly<Record<Theme, Theme>> = { auto: "light", light: "dark", dark: "auto" };
const ICONS: Readonly<Record<Theme, IconName>> = { auto: "contrast", light: "sun", dark: "moon" };

export class ThemeSwitch {
  private theme: Theme = readTheme();

  constructor(private readonly button: HTMLButtonElement) {
    button.addEventListener("click", () => {
      this.theme = NEXT[this.theme];
      lastingArea.setItem(KEY, this.theme);
      this.show();
    });
    this.show();
  }

  private show(): void {
    document.documentElement.dataset["theme"] = this.theme;
    this.button.replaceChildren(makeIcon(ICONS[this.theme]));
    this.button.setAttribute("aria-label", texts.theme[this.theme]);
    this.button.title = texts.theme[this.theme];
  }
}

function readTheme(): Theme {
  const stored = lastingArea.getItem(KEY);
  return stored === "light" || stored === "dark" ? stored : "auto";
}
