import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

/** The tower that `npm run dev` shows: `TIDEWATCH_URL=http://127.0.0.1:PORT npm run dev`. */
const tower = process.env.TIDEWATCH_URL ?? "http://127.0.0.1:8080";
/** What the tower answers itself; everything else of the page comes from Vite. */
const SERVED_BY_TOWER = "^/(api/|console\\.json|healthz|readyz|metrics|openapi\\.json|asyncapi\\.json|docs)";

export default defineConfig({
  plugins: [svelte()],
  // The content security policy allows no data: addresses, so nothing is inlined.
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { [SERVED_BY_TOWER]: { target: tower, ws: true, changeOrigin: true } } },
  // Components under test are those of the browser, not those for rendering on a server.
  resolve: process.env.VITEST ? { conditions: ["browser"] } : {},
  test: { environment: "happy-dom", include: ["src/**/*.test.ts"] },
});
