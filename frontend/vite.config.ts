import { defineConfig } from "vite";

// The pages name these files by fixed names: templates need no manifest.
export default defineConfig({
  base: "./",
  build: {
    outDir: "../src/netty/web/static",
    emptyOutDir: true,
    target: "es2022",
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    modulePreload: false, // no inline script: the pages' policy is script-src 'self'
    reportCompressedSize: false,
    license: { fileName: "third-party-licenses.md" },
    rolldownOptions: {
      checks: { eval: false }, // htmx holds one; app.ts switches it off, and the pages' policy would stop it
      input: { app: "src/app.ts" },
      output: {
        entryFileNames: "[name].js",
        chunkFileNames: "[name].js",
        assetFileNames: "[name][extname]",
      },
    },
  },
});
