// Builds the pages into the Python package. Everything is a file of its own: the pages' security policy allows nothing inline.
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** Paint once the script has chosen light or dark and restored the conversation, so that no visitor sees a flash of the wrong page. */
function renderBlocking(): Plugin {
  return {
    name: "render-blocking-entry",
    enforce: "post",
    transformIndexHtml: (html) => html.replace('<script type="module"', '<script type="module" blocking="render"'),
  };
}

/** The server looks pages up by name: `console.html`, wherever its source is. */
function flatNames(): Plugin {
  return {
    name: "flat-page-names",
    enforce: "post",
    generateBundle: (_options, bundle) => {
      for (const file of Object.values(bundle)) if (file.fileName.endsWith(".html")) file.fileName = file.fileName.replace(/^.*\//, "");
    },
  };
}

export default defineConfig({
  root: ".",
  base: "/",
  logLevel: "warn",
  publicDir: "chat/public",
  plugins: [renderBlocking(), flatNames()],
  build: {
    outDir: "../src/deskhand/api/pages",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    target: "es2022",
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    modulePreload: { polyfill: false },
    rollupOptions: { input: { chat: "chat/chat.html", console: "console/console.html" } },
  },
  test: { include: ["**/*.test.ts"] },
});
