import { beforeEach, describe, expect, it } from "vitest";
import { keyboard } from "./keyboard.svelte";

let ran: string[] = [];
let remove = () => {};

beforeEach(() => {
  remove();
  ran = [];
  const shortcut = (keys: string) => ({ keys, label: keys, run: () => void ran.push(keys) });
  remove = keyboard.add("Test", ["j", "g q", "Enter", "?"].map(shortcut));
});

function press(key: string, more: { target?: Element; ctrlKey?: boolean } = {}): KeyboardEvent {
  const event = new KeyboardEvent("keydown", { key, ctrlKey: more.ctrlKey ?? false, cancelable: true });
  Object.defineProperty(event, "target", { value: more.target ?? document.body });
  keyboard.handle(event);
  return event;
}

describe("keys", () => {
  it("run what they stand for, alone or two after each other", () => {
    expect(press("j").defaultPrevented).toBe(true);
    press("g");
    press("q");
    press("q");
    expect(ran).toEqual(["j", "g q"]);
  });

  it("belong to whoever types, and to the browser", () => {
    press("j", { target: document.createElement("input") });
    press("j", { ctrlKey: true });
    expect(ran).toEqual([]);
  });

  it("that press a link press the link", () => {
    press("Enter", { target: document.createElement("a") });
    expect(ran).toEqual([]);
    press("Enter");
    expect(ran).toEqual(["Enter"]);
  });

  it("of several parts of a view stand under one title", () => {
    const removeMore = keyboard.add("Test", [{ keys: "/", label: "/", run: () => {} }]);
    const own = keyboard.groups.filter(({ title }) => title === "Test");
    expect(own.map(({ shortcuts }) => shortcuts.map(({ keys }) => keys))).toEqual([
      ["j", "g q", "Enter", "?", "/"],
    ]);
    removeMore();
  });

  it("rest while a dialog is open, and are gone with their view", () => {
    keyboard.isPaused = true;
    press("j");
    keyboard.isPaused = false;
    remove();
    press("j");
    expect(ran).toEqual([]);
  });
});
