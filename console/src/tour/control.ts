/** The demo's control service: what it says and how it is asked. Only a tower that the demo started has one. */

export interface TourStep {
  id: string;
  title: string;
  text: string;
  /** What the button says; a step without one is done elsewhere in the page. */
  button: string | null;
  /** The same as a command line. */
  curl: string | null;
  /** A route of this page. */
  look_at: string | null;
  /** Who acts in this step: `name;role,role`. */
  as: string | null;
  state: "waiting" | "ready" | "running" | "done" | "failed";
  result: { detail: string; ms: number } | null;
}

export interface TourState {
  scenario: string;
  scenarios: string[];
  title: string;
  now: string;
  speed: number;
  tower: { url: string; running: boolean; restarts: number; last_outage_ms: number | null };
  erp: { url: string; documents: { id: string; kind: string; action_id: string; at: string }[] };
  steps: TourStep[];
}

export interface PlugReport {
  outage_ms: number;
  lsn_before: number;
  lsn_after: number;
  documents_before: number;
  documents_after: number;
}

/** An answer that is not the one hoped for, in words. */
export class ControlError extends Error {}

/** The tower is killed and replays its journal: longer than any other answer. */
const PLUG_TIMEOUT_MS = 120_000;
const TIMEOUT_MS = 15_000;

async function ask<T>(control: string, path: string, init: RequestInit, timeoutMs: number): Promise<T> {
  let response: Response;
  try {
    response = await fetch(control.replace(/\/$/, "") + path, {
      ...init,
      // Not a simple header: a page of another origin can't press the demo's buttons.
      headers: { "X-Tidewatch-Demo": "1", ...(init.body ? { "Content-Type": "application/json" } : {}) },
      signal: AbortSignal.timeout(timeoutMs),
    });
  } catch {
    throw new ControlError("the demo does not answer");
  }
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) {
    const detail = (body as { detail?: string } | null)?.detail;
    throw new ControlError(detail ?? `the demo answered ${response.status}`);
  }
  return body as T;
}

export const tourState = (control: string) => ask<TourState>(control, "/state", {}, TIMEOUT_MS);
export const runStep = (control: string, id: string) =>
  ask<TourState>(control, `/steps/${encodeURIComponent(id)}`, { method: "POST" }, TIMEOUT_MS);
export const pullThePlug = (control: string) =>
  ask<PlugReport>(control, "/plug", { method: "POST" }, PLUG_TIMEOUT_MS);
export const setSpeed = (control: string, speed: number) =>
  ask<TourState>(control, "/speed", { method: "POST", body: JSON.stringify({ speed }) }, TIMEOUT_MS);
