import { describe, expect, it } from "vitest";
import { Collection } from "./collection.svelte";

interface Thing {
  id: string;
  lsn: number;
  over?: boolean;
}

function collection(bounds: { itemsMax?: number; goneMax?: number } = {}) {
  const paintings: (() => void)[] = [];
  const things = new Collection<Thing>({
    key: ({ id }) => id,
    isOver: ({ over }) => over === true,
    schedule: (run) => void paintings.push(run),
    ...bounds,
  });
  const take = (thing: Thing, matches = true) => things.take(thing, thing.lsn, matches, "thing.changed");
  const paint = () => {
    for (const run of paintings.splice(0)) run();
  };
  return { things, take, paint, paintings };
}

const ids = (things: Collection<Thing>) => things.list.map(({ id }) => id);

describe("a collection", () => {
  it("drops a frame whose record is not above the known one", () => {
    const { things, take, paint } = collection();
    things.replace([{ id: "a", lsn: 5 }]);
    take({ id: "a", lsn: 5, over: true });
    take({ id: "a", lsn: 4, over: true });
    paint();
    expect(things.list).toEqual([{ id: "a", lsn: 5 }]);
    take({ id: "a", lsn: 6 });
    paint();
    expect(things.get("a")?.lsn).toBe(6);
  });

  it("takes a state of the same record, which time alone may have moved, and no older one", () => {
    const { things, paint } = collection();
    const takeState = (thing: Thing) => things.take(thing, thing.lsn, true, null);
    things.replace([{ id: "a", lsn: 5 }]);
    takeState({ id: "a", lsn: 5, over: false });
    takeState({ id: "a", lsn: 4 });
    paint();
    expect(things.list).toEqual([{ id: "a", lsn: 5, over: false }]);
  });

  it("loses what is over and what no longer matches, and an older frame does not bring it back", () => {
    const { things, take, paint } = collection();
    things.replace([
      { id: "a", lsn: 1 },
      { id: "b", lsn: 1 },
    ]);
    take({ id: "a", lsn: 3, over: true });
    take({ id: "b", lsn: 4 }, false);
    take({ id: "a", lsn: 2 });
    take({ id: "b", lsn: 4 });
    paint();
    expect(ids(things)).toEqual([]);
    take({ id: "a", lsn: 5 });
    paint();
    expect(ids(things)).toEqual(["a"]);
  });

  it("takes the end of something that it never had", () => {
    const { things, take, paint } = collection();
    take({ id: "a", lsn: 3 }, false);
    take({ id: "a", lsn: 2 });
    paint();
    expect(ids(things)).toEqual([]);
  });

  it("paints once for however many changes", () => {
    const { things, take, paint, paintings } = collection();
    for (let lsn = 1; lsn <= 5_000; lsn += 1) take({ id: `t${lsn % 7}`, lsn });
    expect(paintings).toHaveLength(1);
    paint();
    expect(things.size).toBe(7);
    take({ id: "t1", lsn: 9_999 });
    expect(paintings).toHaveLength(1);
  });

  it("has bounds, and says when they are reached", () => {
    const { things, take, paint } = collection({ itemsMax: 2, goneMax: 1 });
    take({ id: "a", lsn: 1 });
    take({ id: "b", lsn: 2 });
    take({ id: "c", lsn: 3 });
    take({ id: "a", lsn: 4 });
    paint();
    expect(ids(things)).toEqual(["a", "b"]);
    expect(things.isTruncated).toBe(true);
    expect(things.get("a")?.lsn).toBe(4);
  });

  it("a snapshot stands for everything", () => {
    const { things, take, paint } = collection();
    take({ id: "a", lsn: 9 });
    things.replace([{ id: "b", lsn: 2 }]);
    paint();
    expect(ids(things)).toEqual(["b"]);
    expect(things.isLoaded).toBe(true);
  });

  it("tells listeners what changed, and whether it is new here", () => {
    const { things, take } = collection();
    const told: [string, boolean][] = [];
    const stop = things.onChange(({ id }, _kind, isNew) => void told.push([id, isNew]));
    take({ id: "a", lsn: 1 });
    take({ id: "a", lsn: 2 });
    stop();
    take({ id: "a", lsn: 3 });
    expect(told).toEqual([
      ["a", true],
      ["a", false],
    ]);
  });
});
