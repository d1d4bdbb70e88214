import { beforeEach, describe, expect, it } from "vitest";
import { actAs, parseActAs, session } from "./session.svelte";

const info = { dev: false, tenant: "default", base_currency: "USD", timezone: "UTC", demo: null };

beforeEach(() => {
  sessionStorage.clear();
  session.signOut();
  session.become(null);
  session.info = null;
});

describe("personas", () => {
  it("are written and read as the header has them", () => {
    expect(actAs({ name: "ann", roles: ["viewer", "finance"] })).toBe("ann;viewer,finance");
    expect(parseActAs("ann; viewer ,finance")).toEqual({ name: "ann", roles: ["viewer", "finance"] });
    for (const nobody of ["", "ann", "ann;", "ann;king", ";viewer"]) expect(parseActAs(nobody)).toBeNull();
  });
});

describe("a session", () => {
  it("asks for a key unless the tower takes anybody", () => {
    expect(session.isReady).toBe(false);
    session.info = info;
    expect(session.needsKey).toBe(true);
    session.signIn("a-key");
    expect(session.isReady).toBe(true);
    expect(session.headers()).toEqual({ Authorization: "Bearer a-key" });
    expect(sessionStorage.getItem("tidewatch.key")).toBe("a-key");
    session.info = { ...info, dev: true };
    expect(session.headers()).toEqual({});
  });

  it("asks again when the key was refused", () => {
    session.info = info;
    session.signIn("a-key");
    session.refused = true;
    expect(session.needsKey).toBe(true);
    session.signIn("another");
    expect(session.needsKey).toBe(false);
  });

  it("begins anew for somebody else", () => {
    session.info = { ...info, dev: true };
    const before = session.generation;
    session.become({ name: "ann", roles: ["viewer"] });
    expect(session.generation).toBeGreaterThan(before);
    expect(session.headers()).toEqual({ "X-Tidewatch-Act-As": "ann;viewer" });
    expect(session.name).toBe("ann");
  });
});
