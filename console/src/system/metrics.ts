/** The tower's OpenMetrics text, as far as this page reads it. */

export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** Lines read at most; a tower has some hundred, and the page must not choke on another server's answer. */
const SAMPLES_MAX = 5_000;
const LINE = /^([A-Za-z_:][A-Za-z0-9_:]*)(?:\{(.*)\})?\s+(\S+)/;
const LABEL = /([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"/g;

function numberOf(text: string): number {
  if (text === "+Inf") return Number.POSITIVE_INFINITY;
  if (text === "-Inf") return Number.NEGATIVE_INFINITY;
  return Number(text);
}

/** All samples of a text; lines that are none are left out. */
export function parseMetrics(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split("\n")) {
    if (samples.length === SAMPLES_MAX) break;
    if (line === "" || line.startsWith("#")) continue;
    const match = LINE.exec(line);
    if (!match) continue;
    const labels: Record<string, string> = {};
    for (const [, name = "", value = ""] of (match[2] ?? "").matchAll(LABEL)) {
      labels[name] = value.replace(/\\(["\\n])/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped));
    }
    samples.push({ name: match[1] ?? "", labels, value: numberOf(match[3] ?? "") });
  }
  return samples;
}

/** The sum of a metric over all its labels; `null` if the tower has none of that name. */
export function total(samples: readonly Sample[], name: string): number | null {
  const found = samples.filter((sample) => sample.name === name);
  return found.length === 0 ? null : found.reduce((sum, sample) => sum + sample.value, 0);
}

/** A metric by the value of one of its labels. */
export function byLabel(samples: readonly Sample[], name: string, label: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const sample of samples) {
    const value = sample.labels[label];
    if (sample.name === name && value !== undefined) found.set(value, (found.get(value) ?? 0) + sample.value);
  }
  return found;
}

/** What one target of the outbox has to do. */
export interface Target {
  target: string;
  pending: number;
  oldestPendingSeconds: number;
  deadLetters: number;
  breaker: "closed" | "half open" | "open" | null;
  attempts: Map<string, number>;
}

const BREAKERS = ["closed", "half open", "open"] as const;

/** The outbox's targets by name. */
export function targets(samples: readonly Sample[]): Target[] {
  const pending = byLabel(samples, "tidewatch_outbox_pending", "target");
  const oldest = byLabel(samples, "tidewatch_outbox_oldest_pending_seconds", "target");
  const dead = byLabel(samples, "tidewatch_outbox_dead_letters", "target");
  const breakers = byLabel(samples, "tidewatch_outbox_breaker_state", "target");
  return [...new Set([...pending.keys(), ...dead.keys(), ...breakers.keys()])].sort().map((target) => {
    const breaker = breakers.get(target);
    return {
      target,
      pending: pending.get(target) ?? 0,
      oldestPendingSeconds: oldest.get(target) ?? 0,
      deadLetters: dead.get(target) ?? 0,
      breaker: breaker === undefined ? null : (BREAKERS[breaker] ?? null),
      attempts: byLabel(
        samples.filter((sample) => sample.labels.target === target),
        "tidewatch_outbox_attempts_total",
        "outcome",
      ),
    };
  });
}

/** Mean of a histogram between two readings, in its own unit; `null` if nothing was observed in between. */
export function meanBetween(
  before: readonly Sample[],
  after: readonly Sample[],
  name: string,
): number | null {
  const count = (total(after, `${name}_count`) ?? 0) - (total(before, `${name}_count`) ?? 0);
  const sum = (total(after, `${name}_sum`) ?? 0) - (total(before, `${name}_sum`) ?? 0);
  return count > 0 ? sum / count : null;
}

/** The upper bound of the bucket that holds the quantile `share` of all observations of a histogram; `null` without any. */
export function quantileBound(samples: readonly Sample[], name: string, share: number): number | null {
  const buckets = samples
    .filter((sample) => sample.name === `${name}_bucket`)
    .map((sample) => ({ bound: numberOf(sample.labels.le ?? ""), count: sample.value }))
    .sort((left, right) => left.bound - right.bound);
  const all = buckets[buckets.length - 1]?.count ?? 0;
  if (all === 0) return null;
  return buckets.find((bucket) => bucket.count >= share * all)?.bound ?? null;
}
