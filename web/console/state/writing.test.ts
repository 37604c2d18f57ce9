import { expect, test } from "vitest";
import { fillReply, findLookedFor, withoutSent } from "./writing";

test("a name is filled in as it is, and left out where it is not known", () => {
  const text = "Hello {name}, here is {agent}. {name}?";
  expect(fillReply(text, { name: "A$&B", agent: "$1" })).toBe("Hello A$&B, here is $1. A$&B?");
  expect(fillReply(text, { name: "", agent: "Grace" })).toBe("Hello, here is Grace.?");
});

test("only a slash at the beginning looks for a reply", () => {
  expect(findLookedFor("/")).toBe("");
  expect(findLookedFor("/ref")).toBe("ref");
  expect(findLookedFor("either/or")).toBeNull();
  expect(findLookedFor("/ref und")).toBeNull();
});

test("what was added while something was on its way stays, and nothing that was changed is lost", () => {
  expect(withoutSent("One", "One")).toBe("");
  expect(withoutSent("One\nTwo ", "One")).toBe("Two ");
  expect(withoutSent("on second thoughts", "One")).toBe("on second thoughts");
});
