// Builds the widget beside the pages, after them: `--mode panel` the conversation and its languages, `--mode demo` the page to try it on,
// `--mode loader` the one script that a company names. The two scripts have names that stay; what they load is named by its content.
import type { Plugin } from "vite";
import { defineConfig } from "vite";

/**
 * The chat page's rules, for a shadow tree in a page of somebody else: a `rem` there is of whatever size the page likes, the widget is as
 * narrow as a phone on any screen, and `:root` and `body` are not ours.
 */
function shadowStyles(): Plugin {
  return {
    name: "shadow-styles",
    enforce: "pre",
    transform: (code, id) => {
      if (!/\.css\?inline$/.test(id)) return null;
      return code
        .replaceAll(/@media \(max-width: [\d.]+rem\)/g, "@media all")
        .replaceAll(/\(max-height: ([\d.]+)rem\)/g, "(max-height: $1em)")
        .replaceAll(/(?<![\w-])(\d*\.?\d+)rem\b/g, "calc($1 * var(--rem))")
        .replaceAll(":root", ".deskhand")
        .replaceAll("body.dropping", ".dropping");
    },
  };
}

export default defineConfig(({ mode }) => ({
  root: "widget",
  base: mode === "panel" ? "./" : "/",
  logLevel: "warn",
  publicDir: false,
  plugins: [shadowStyles()],
  build: {
    outDir: "../../src/deskhand/api/pages",
    emptyOutDir: false,
    assetsInlineLimit: 0,
    target: "es2022",
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    modulePreload: false,
    // A library, so that nothing is put around the one import it makes: what is put there is no classic script.
    lib: mode === "loader" ? { entry: "loader.ts", formats: ["iife"], name: "deskhandWidget", fileName: () => "widget.js" } : false,
    rollupOptions: outputs(mode),
  },
}));

function outputs(mode: string) {
  switch (mode) {
    case "panel":
      return {
        input: { "widget-panel": "widget/panel.ts" },
        preserveEntrySignatures: "strict" as const,
        output: { entryFileNames: "widget-panel.js", chunkFileNames: "assets/widget-[name]-[hash].js" },
      };
    case "loader":
      return {};
    case "demo":
      return { input: "widget/demo.html" };
    default:
      throw new Error(`There is nothing to build in the mode "${mode}".`);
  }
}
