// Where in the console somebody is: kept in the address behind the #, so that going back, reloading and links work.

import { VIEWS, type View } from "./api/types";

export const SETTINGS_PAGES = ["profile", "security", "notifications", "replies", "people", "keys", "audit"] as const;
export type SettingsPage = (typeof SETTINGS_PAGES)[number];

export type Route =
  | { readonly section: "inbox"; readonly view: View; readonly sessionId: string | null }
  | { readonly section: "knowledge" }
  | { readonly section: "overview" }
  | { readonly section: "settings"; readonly page: SettingsPage };

export const home: Route = { section: "inbox", view: "all", sessionId: null };

export function readRoute(hash: string): Route {
  const [section, first, second] = hash.replace(/^#\/?/, "").split("/");
  if (section === "knowledge" || section === "overview") return { section };
  if (section === "settings") return { section, page: SETTINGS_PAGES.find((page) => page === first) ?? "profile" };
  return {
    section: "inbox",
    view: VIEWS.find((view) => view === first) ?? "all",
    sessionId: second === undefined || second === "" ? null : second,
  };
}

export function writeRoute(route: Route): string {
  switch (route.section) {
    case "inbox":
      return `#/inbox/${route.view}${route.sessionId === null ? "" : `/${route.sessionId}`}`;
    case "settings":
      return `#/settings/${route.page}`;
    default:
      return `#/${route.section}`;
  }
}

export function go(route: Route): void {
  const hash = writeRoute(route);
  if (location.hash !== hash) location.hash = hash;
}
