/** `tidewatch demo` as a child. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { PROGRAM } from "./processes.js";
import { eventually } from "./wait.js";

/** History flows in before the page can be opened, and a program built for tests takes its time. */
const STARTS_WITHIN_MS = 300_000;

/** The demo on a terminal of its own: only there it waits for clicks. */
export async function startDemo() {
  const child = spawn("script", ["-qfec", `${PROGRAM} demo --no-browser`, "/dev/null"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (chunk) => {
    said = (said + chunk).slice(-20_000);
  });
  const url = await eventually(
    "the demo serves",
    () => {
      if (child.exitCode !== null) throw new Error("it ended");
      return /serves at (http:\/\/[0-9.:]+)/.exec(said)?.[1] ?? null;
    },
    STARTS_WITHIN_MS,
  ).catch((error) => {
    throw new Error(`${error.message}\n${said}`);
  });
  const stop = async () => {
    if (child.exitCode !== null) return;
    // Ctrl-C, as on a keyboard.
    child.stdin.write("\x03");
    await once(child, "exit");
  };
  return { url, stop };
}
