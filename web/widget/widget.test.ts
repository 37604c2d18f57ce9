import { describe, expect, it } from "vitest";
import { contrast, readColour, tonesOf } from "./colour";
import { chooseLanguage, directionOf } from "./language";

const PAPER = { light: "#faf8f3", dark: "#1b1f1d" } as const;
const STEPS = ["00", "33", "66", "99", "cc", "ff"];
const COLOURS = STEPS.flatMap((red) => STEPS.flatMap((green) => STEPS.map((blue) => `#${red}${green}${blue}`)));

describe("the company's colour", () => {
  it("can be read on both papers, and what stands on it can be", () => {
    for (const colour of COLOURS) {
      const tones = tonesOf(colour);
      for (const theme of ["light", "dark"] as const) {
        expect(contrast(tones[theme].accent, PAPER[theme])).toBeGreaterThanOrEqual(4.5);
        expect(contrast(tones[theme].accent, tones[theme].ink)).toBeGreaterThanOrEqual(4.5);
      }
    }
  });

  it("stays as it is where it can be read", () => {
    expect(tonesOf("#17624f").light.accent).toBe("#17624f");
    expect(tonesOf("#8ed3b8").dark.accent).toBe("#8ed3b8");
  });

  it("is read in hexadecimal only", () => {
    expect(readColour(" #ABC ")).toBe("#aabbcc");
    for (const wrong of ["red", "#12", "#12345", "url(x)", "#17624f;color:red", ""]) expect(readColour(wrong)).toBeNull();
  });
});

describe("the language", () => {
  it("is the first that there are words for", () => {
    expect(chooseLanguage([undefined, "pl", "pt-BR", "de"])).toBe("pt");
    expect(chooseLanguage([" AR_eg "])).toBe("ar");
    expect(chooseLanguage(["xx", ""])).toBe("en");
  });

  it("is written from right to left where it is", () => {
    expect([directionOf("ar"), directionOf("en")]).toEqual(["rtl", "ltr"]);
  });
});
