import { expect, it } from "vitest";
import { commands, KINDS, SAMPLE } from "./commands";

it("loads into the tower that shows the page, first without sending anything", () => {
  const all = commands("http://127.0.0.1:8080", true);
  expect(all.dryRun).toBe("tidewatch import my-data --to http://127.0.0.1:8080 --dry-run");
  expect(all.load).toBe("tidewatch import my-data --to http://127.0.0.1:8080");
});

it("asks for a key only where the tower does", () => {
  expect(commands("http://h", true).key).toBeNull();
  expect(commands("http://h", true).serve).toContain("--dev");
  expect(commands("http://h", false).key).toContain("--role integration");
  expect(commands("http://h", false).serve).not.toContain("--dev");
});

it("shows an example that has every required column", () => {
  for (const name of ["items", "stock"]) {
    const header = new RegExp(`${name}\\.csv <<'END'\\n(.*)`).exec(SAMPLE)?.[1]?.split(",");
    expect(header).toEqual(expect.arrayContaining(KINDS.find((kind) => kind.name === name)?.required ?? []));
  }
});
