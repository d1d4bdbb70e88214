import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Case, CaseOption } from "../lib/api/model";
import { CaseDesk } from "./desk.svelte";
import fixture from "./fixture.json";

const first: Case = { ...(fixture as unknown as Case), state: "awaiting_approval", version: 4, lsn: 100 };
const moved: Case = {
  ...first,
  version: 6,
  lsn: 110,
  version_changes: [
    { version: 4, changes: [{ name: "options", before: "", after: "4 options computed" }] },
    { version: 5, changes: [{ name: "value_at_risk", before: "591.84 EUR", after: "777.90 EUR" }] },
    { version: 6, changes: [{ name: "net", before: "1553.96 EUR", after: "1583.16 EUR" }] },
  ],
};

interface Sent {
  path: string;
  key: string;
  body: Record<string, unknown>;
}
let sent: Sent[] = [];
let answer: { status: number; body: object };

beforeEach(() => {
  sent = [];
  vi.stubGlobal("fetch", async (path: string, init: RequestInit) => {
    const headers = new Headers(init.headers);
    sent.push({ path, key: headers.get("Idempotency-Key") ?? "", body: JSON.parse(String(init.body)) });
    const type = answer.status < 400 ? "application/json" : "application/problem+json";
    return new Response(JSON.stringify(answer.body), {
      status: answer.status,
      headers: { "content-type": type },
    });
  });
});
afterEach(() => vi.unstubAllGlobals());

function lookingAt(item: Case): CaseDesk {
  const desk = new CaseDesk(item.id);
  desk.show(item);
  return desk;
}

it("decides on the version that was looked at, whatever came since", async () => {
  const desk = lookingAt(first);
  desk.show(moved);
  expect([desk.item?.version, desk.seen]).toEqual([6, 4]);
  expect(desk.moved.map((change) => change.name)).toEqual(["value_at_risk", "net"]);
  const changes = moved.version_changes.slice(1).flatMap((version) => version.changes);
  answer = {
    status: 409,
    body: { code: "stale_version", title: "It has changed", changes, current: moved },
  };
  expect(await desk.approve("fine")).toBe(false);
  expect(sent[0]?.path).toBe(`/api/v1/cases/${first.id}/approve`);
  expect(sent[0]?.body).toEqual({ comment: "fine", version: 4 });
  expect(desk.refused).toMatchObject({ kind: "stale", changes });
});

it("decides on the new version once that was seen, under another key", async () => {
  const desk = lookingAt(first);
  desk.show(moved);
  answer = { status: 409, body: { code: "stale_version", title: "It has changed", changes: [] } };
  await desk.approve("");
  desk.lookAgain();
  expect([desk.refused, desk.seen, desk.moved]).toEqual([null, 6, []]);
  answer = { status: 200, body: { ...moved, state: "approved", lsn: 120 } };
  expect(await desk.approve("")).toBe(true);
  expect(sent[1]?.body).toEqual({ version: 6 });
  expect(sent[0]?.key).not.toBe("");
  expect(sent[1]?.key).not.toBe(sent[0]?.key);
  expect(desk.item?.state).toBe("approved");
});

it("takes votes and deliveries of the same version as seen", () => {
  const desk = lookingAt(first);
  desk.show({ ...first, lsn: 105, state: "executing" });
  expect([desk.looked?.state, desk.moved]).toEqual(["executing", []]);
});

it("takes the coming of options that were waited for as seen", () => {
  const desk = lookingAt({ ...first, state: "draft", version: 1, lsn: 1, options: [] });
  desk.show({ ...first, state: "proposed", version: 2, lsn: 2 });
  expect(desk.seen).toBe(2);
});

it("does not take options of moved facts as seen", () => {
  const desk = lookingAt(first);
  desk.show({ ...moved, version: 5, lsn: 105, facts: first.facts + 1 });
  desk.show({ ...moved, facts: first.facts + 1, options_facts: first.facts + 1 });
  expect(desk.seen).toBe(4);
});

it("drops what is older than what it shows", () => {
  const desk = lookingAt(moved);
  desk.show(first);
  expect(desk.item?.version).toBe(6);
});

it("finds the copy that an edit made, and has seen it", async () => {
  const desk = lookingAt(first);
  const option = first.options[2] as CaseOption;
  const own = { ...option, id: "own_5", edited_by: "ann" };
  answer = { status: 200, body: { ...first, version: 5, lsn: 101, options: [...first.options, own] } };
  expect(await desk.edit(option, { option_id: option.id, version: 4, quantity: 600 })).toBe("own_5");
  expect(desk.seen).toBe(5);
  expect(await desk.edit(option, null)).toBeNull();
  expect(sent).toHaveLength(1);
});

it("has not seen moved facts for having said something", async () => {
  const desk = lookingAt(first);
  desk.show(moved);
  answer = { status: 200, body: { ...moved, lsn: 111 } };
  expect(await desk.command("comment", { text: "look" }, "Comment added")).toBe(true);
  expect(desk.seen).toBe(4);
});
