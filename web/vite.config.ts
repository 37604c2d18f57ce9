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

export default defineConfig({
  root: "chat",
  base: "/",
  plugins: [renderBlocking()],
  build: {
    outDir: "../../src/deskhand/api/pages",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    target: "es2022",
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    modulePreload: { polyfill: false },
    rollupOptions: { input: "chat/chat.html" },
  },
  test: { root: ".", include: ["**/*.test.ts"] },
});
