import { expect, it } from "vitest";
import { commands, KINDS, SAMPLE } from "./commands";

it("loads into the tower that shows the page, first without sending anything", () => {
  const all = commands("http://127.0.0.1:9000", true, false);
  expect(all.dryRun).toBe("tidewatch import my-data --to http://127.0.0.1:9000 --dry-run");
  expect(all.load).toBe("tidewatch import my-data --to http://127.0.0.1:9000");
  expect(all.serve).toBeNull();
});

it("starts a tower of one's own beside a demo, and loads into that", () => {
  const all = commands("http://127.0.0.1:40123", true, true);
  expect(all.serve).toContain("tidewatch serve --dev");
  expect(all.load).toBe("tidewatch import my-data --to http://127.0.0.1:8080");
});

it("asks for a key only where the tower does", () => {
  expect(commands("http://h", true, false).key).toBeNull();
  expect(commands("http://h", false, true).key).toBeNull();
  expect(commands("http://h", false, false).key).toContain("--role integration");
});

it("shows an example that has every required column", () => {
  for (const name of ["items", "stock"]) {
    const header = new RegExp(`${name}\\.csv <<'END'\\n(.*)`).exec(SAMPLE)?.[1]?.split(",");
    expect(header).toEqual(expect.arrayContaining(KINDS.find((kind) => kind.name === name)?.required ?? []));
  }
});
