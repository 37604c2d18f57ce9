import { expect, test } from "vitest";
import { initialsOf } from "./initials";

test("initials are letters, whole signs, of the first and the last word that have one", () => {
  expect(["Ada King Byron", "ada", "👩‍🚀 Zoë 🎉", "(Bob) O'Neil", "𝒜da Byron", "🎉", " ", "42"].map(initialsOf)).toEqual([
    "AB",
    "A",
    "Z",
    "BO",
    "𝒜B",
    "🎉",
    "",
    "4",
  ]);
});
