/** The real program as a child: a tower and a stand-in ERP, each on a directory of its own that goes when the test does. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { eventually } from "./wait.js";

const ROOT = resolve(import.meta.dirname, "../../..");
const TARGET = resolve(ROOT, process.env.CARGO_TARGET_DIR ?? "target");
/** The program under test. */
export const PROGRAM = process.env.TIDEWATCH ?? join(TARGET, "debug/tidewatch");

/** A port on which nobody listens now. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** One command of the program that is started, ended and started again on the same directory. */
class Process {
  #child = null;
  #arguments;

  constructor(name, args) {
    this.directory = mkdtempSync(join(tmpdir(), `tidewatch-${name}-`));
    this.#arguments = args;
  }

  get log() {
    return readFileSync(join(this.directory, "log.txt"), "utf8").slice(-4_000);
  }

  async start(readyAt) {
    const log = createWriteStream(join(this.directory, "log.txt"), { flags: "a" });
    await once(log, "open");
    const stdio = ["ignore", log, log];
    this.#child = spawn(PROGRAM, this.#arguments, { cwd: this.directory, stdio });
    log.close();
    const child = this.#child;
    await eventually(`${readyAt} answers`, async () => {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`it ended: ${this.log}`);
      const answer = await fetch(readyAt);
      return answer.ok;
    });
  }

  /** The end of a process that gets no chance to do anything about it. */
  async kill() {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  async remove() {
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export class Tower extends Process {
  /**
   * @param {{ keys?: boolean, erpPort?: number | null }} how `keys`: credentials are asked for; `erpPort`:
   *   where a stand-in ERP listens, that orders go to.
   */
  static async start({ keys = false, erpPort = null } = {}) {
    const port = await freePort();
    const args = ["serve", "--listen", `127.0.0.1:${port}`, "--data", "data", "--config", "actors.toml"];
    if (!keys) args.push("--dev");
    const tower = new Tower("tower", args);
    const target = erpPort
      ? `[targets.erp]\nurl = "http://127.0.0.1:${erpPort}/actions"\nbackoff_initial_ms = 50\nbackoff_max_ms = 500\nbreaker_open_ms = 200\n`
      : "";
    const tenant = '[tenants.default]\nbase_currency = "USD"\n';
    writeFileSync(join(tower.directory, "actors.toml"), tenant + target);
    tower.url = `http://127.0.0.1:${port}`;
    await tower.startAgain();
    return tower;
  }

  startAgain() {
    return this.start(`${this.url}/readyz`);
  }

  /** Makes an API key; its secret. */
  async createKey(name, role, ...more) {
    const args = ["keys", "create", "--data", "data", "--json", "--name", name, "--role", role, ...more];
    const { stdout } = await promisify(execFile)(PROGRAM, args, { cwd: this.directory });
    return JSON.parse(stdout).key;
  }

  /** An answer of the API as JSON; `who` as in `ann;planner`, or a key. */
  async get(path, { who, key } = {}) {
    const headers = {
      ...(who && { "X-Tidewatch-Act-As": who }),
      ...(key && { Authorization: `Bearer ${key}` }),
    };
    const answer = await fetch(`${this.url}/api/v1${path}`, { headers });
    if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  /** Sends events; all must be taken. What follows from them has settled when this returns. */
  async tell(events, key) {
    const authorization = key ? { Authorization: `Bearer ${key}` } : {};
    let lsn = 0;
    for (let start = 0; start < events.length; start += 1_000) {
      const batch = events.slice(start, start + 1_000);
      const answer = await fetch(`${this.url}/api/v1/events`, {
        method: "POST",
        headers: { "Content-Type": "application/cloudevents-batch+json", ...authorization },
        body: JSON.stringify(batch),
      });
      const receipt = await answer.json();
      if (!answer.ok || receipt.rejected > 0)
        throw new Error(`events: ${answer.status} ${JSON.stringify(receipt)}`);
      lsn = receipt.lsn;
    }
    await this.get(`/exceptions?limit=1&settled=true&at_least=${lsn}`, { key });
  }
}

export class Sandbox extends Process {
  /** A stand-in ERP that tells the tower at `tower` of the documents it makes. */
  static async start(port, tower) {
    const args = ["sandbox", "--listen", `127.0.0.1:${port}`, "--data", "data", "--tower", tower];
    const sandbox = new Sandbox("sandbox", args);
    sandbox.url = `http://127.0.0.1:${port}`;
    await sandbox.start(`${sandbox.url}/documents`);
    return sandbox;
  }

  async documents() {
    return (await (await fetch(`${this.url}/documents`)).json()).items;
  }
}
