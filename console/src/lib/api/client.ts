/** Requests to the tower: credentials, problems, lists. */
import { session } from "../session.svelte";
import type { Problem } from "./generated/schema";

/** What the tower answered instead of what was asked for. `status` 0: it did not answer at all. */
export class ApiError extends Error {
  readonly status: number;
  readonly problem: Problem | null;

  constructor(status: number, problem: Problem | null, message: string) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.problem = problem;
  }

  /** The stable code, `stale_version` for one. */
  get code(): string {
    return this.problem?.code ?? (this.status === 0 ? "unreachable" : `http_${this.status}`);
  }
}

export type Query = Record<string, string | number | boolean | readonly string[] | undefined>;

export interface Asked {
  query?: Query;
  signal?: AbortSignal;
}

/** A path segment: any text that an identifier can be. */
export function segment(id: string): string {
  return encodeURIComponent(id);
}

function address(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) parameters.append(name, String(one));
  }
  const text = parameters.toString();
  return text === "" ? path : `${path}?${text}`;
}

async function problemOf(response: Response): Promise<ApiError> {
  let problem: Problem | null = null;
  if (response.headers.get("content-type")?.startsWith("application/problem+json")) {
    problem = (await response.json()) as Problem;
  }
  const message = problem ? (problem.detail ?? problem.title) : `the tower answered ${response.status}`;
  return new ApiError(response.status, problem, message);
}

async function request<T>(path: string, init: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers: { ...session.headers(), ...init.headers } });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, null, "the tower can't be reached");
  }
  if (response.status === 401) session.refused = true;
  if (!response.ok) throw await problemOf(response);
  return (await response.json()) as T;
}

/**
 * Reads.
 *
 * @throws {ApiError} for every answer that is no success, and for none.
 */
export function get<T>(path: string, { query, signal }: Asked = {}): Promise<T> {
  return request<T>(address(path, query), signal ? { signal } : {});
}

/**
 * Commands. A repeat after a lost answer takes effect once: each call has its own key, given again by `idempotencyKey`.
 *
 * @throws {ApiError} for every answer that is no success, and for none.
 */
export function post<T>(path: string, body: unknown, idempotencyKey = crypto.randomUUID()): Promise<T> {
  return request<T>(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": idempotencyKey },
    body: JSON.stringify(body),
  });
}

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

/** All of a list, page by page, at most `itemsMax`; `complete` says whether that was all. */
export async function listAll<T>(
  path: string,
  { query, signal }: Asked = {},
  itemsMax = 5_000,
): Promise<{ items: T[]; complete: boolean }> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const limit = Math.min(1_000, itemsMax - items.length);
    const asked: Asked = { query: { ...query, limit, cursor } };
    if (signal) asked.signal = signal;
    const page: Page<T> = await get<Page<T>>(path, asked);
    items.push(...page.items);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined && items.length < itemsMax);
  return { items, complete: cursor === undefined };
}
