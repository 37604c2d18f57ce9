// The company's colour, made to be read: text on it, and it on the paper of both themes, has the contrast of WCAG 2.2 AA.

const HEX = /^#(?:[0-9a-f]{3}|[0-9a-f]{6})$/i;
const LEAST_CONTRAST = 4.5;
const STEPS = 24;
const PAPER = { light: "#faf8f3", dark: "#1b1f1d" } as const;
/** What stands on the colour when its own lightness asks for it. */
const INK = { white: "#ffffff", black: "#0b0f0d" } as const;

type Rgb = readonly [number, number, number];

export interface Tone {
  readonly accent: string;
  readonly ink: string;
}

/** `#rrggbb`, or null when `text` is not a colour in hexadecimal. */
export function readColour(text: string | null | undefined): string | null {
  const word = text?.trim() ?? "";
  if (!HEX.test(word)) return null;
  return (word.length === 4 ? `#${[...word.slice(1)].map((digit) => digit + digit).join("")}` : word).toLowerCase();
}

/** The tone of `colour` for each theme. The hue stays; the lightness moves only as far as it must. */
export function tonesOf(colour: string): { readonly light: Tone; readonly dark: Tone } {
  return { light: toneOn(colour, "light"), dark: toneOn(colour, "dark") };
}

function toneOn(colour: string, theme: "light" | "dark"): Tone {
  const end: Rgb = theme === "light" ? [0, 0, 0] : [255, 255, 255];
  for (let step = 0; step <= STEPS; step += 1) {
    const accent = toHex(mix(toRgb(colour), end, step / STEPS));
    if (contrast(accent, PAPER[theme]) >= LEAST_CONTRAST) return { accent, ink: inkOn(accent) };
  }
  return { accent: toHex(end), ink: inkOn(toHex(end)) };
}

function inkOn(accent: string): string {
  return contrast(INK.white, accent) >= contrast(INK.black, accent) ? INK.white : INK.black;
}

/** WCAG 2.2: (lighter + 0.05) / (darker + 0.05), between 1 and 21. */
export function contrast(a: string, b: string): number {
  const [lighter, darker] = [luminance(toRgb(a)), luminance(toRgb(b))].sort((x, y) => y - x);
  return ((lighter ?? 0) + 0.05) / ((darker ?? 0) + 0.05);
}

function luminance(rgb: Rgb): number {
  const [red, green, blue] = rgb.map((channel) => {
    const share = channel / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * (red ?? 0) + 0.7152 * (green ?? 0) + 0.0722 * (blue ?? 0);
}

function mix(from: Rgb, to: Rgb, share: number): Rgb {
  return [0, 1, 2].map((channel) => Math.round((from[channel] ?? 0) * (1 - share) + (to[channel] ?? 0) * share)) as unknown as Rgb;
}

function toRgb(hex: string): Rgb {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as unknown as Rgb;
}

function toHex(rgb: Rgb): string {
  return `#${rgb.map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;
}
