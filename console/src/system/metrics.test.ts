import { describe, expect, it } from "vitest";
import { byLabel, meanBetween, parseMetrics, quantileBound, targets, total } from "./metrics";

const TEXT = `# HELP tidewatch_events Events at the door.
# TYPE tidewatch_events counter
tidewatch_events_total{outcome="accepted"} 791063
tidewatch_events_total{outcome="rejected"} 2
tidewatch_journal_group_seconds_sum 100.5
tidewatch_journal_group_seconds_count 200
tidewatch_journal_group_seconds_bucket{le="0.001"} 100
tidewatch_journal_group_seconds_bucket{le="0.01"} 199
tidewatch_journal_group_seconds_bucket{le="+Inf"} 200
tidewatch_feed_sockets 3
tidewatch_outbox_pending{target="erp"} 4
tidewatch_outbox_dead_letters{target="erp"} 1
tidewatch_outbox_oldest_pending_seconds{target="erp"} 12.5
tidewatch_outbox_breaker_state{target="erp"} 2
tidewatch_outbox_attempts_total{target="erp",outcome="delivered"} 9
tidewatch_outbox_attempts_total{target="erp",outcome="failed"} 3
tidewatch_odd{name="a \\"quoted\\" one, with {braces}"} 1
# EOF
`;
const SAMPLES = parseMetrics(TEXT);

describe("parseMetrics", () => {
  it("reads names, labels and values", () => {
    expect(SAMPLES[0]).toEqual({
      name: "tidewatch_events_total",
      labels: { outcome: "accepted" },
      value: 791063,
    });
    expect(total(SAMPLES, "tidewatch_feed_sockets")).toBe(3);
  });

  it("reads quotation marks and braces within a label", () => {
    expect(SAMPLES[SAMPLES.length - 1]?.labels).toEqual({ name: 'a "quoted" one, with {braces}' });
  });

  it("has nothing to say of a page that is none", () => {
    expect(parseMetrics("<!doctype html>\n<html></html>")).toEqual([]);
    expect(total([], "tidewatch_feed_sockets")).toBeNull();
  });
});

it("sums over labels, or keeps one of them apart", () => {
  expect(total(SAMPLES, "tidewatch_events_total")).toBe(791065);
  expect(byLabel(SAMPLES, "tidewatch_events_total", "outcome").get("rejected")).toBe(2);
});

it("shows each target of the outbox with its breaker", () => {
  expect(targets(SAMPLES)).toEqual([
    {
      target: "erp",
      pending: 4,
      oldestPendingSeconds: 12.5,
      deadLetters: 1,
      breaker: "open",
      attempts: new Map([
        ["delivered", 9],
        ["failed", 3],
      ]),
    },
  ]);
});

it("takes the mean of what was observed between two readings", () => {
  const later = parseMetrics(
    "tidewatch_journal_group_seconds_sum 100.9\ntidewatch_journal_group_seconds_count 300",
  );
  expect(meanBetween(SAMPLES, later, "tidewatch_journal_group_seconds")).toBeCloseTo(0.004, 10);
  expect(meanBetween(SAMPLES, SAMPLES, "tidewatch_journal_group_seconds")).toBeNull();
});

it("finds the bucket that holds a quantile", () => {
  expect(quantileBound(SAMPLES, "tidewatch_journal_group_seconds", 0.5)).toBe(0.001);
  expect(quantileBound(SAMPLES, "tidewatch_journal_group_seconds", 0.99)).toBe(0.01);
  expect(quantileBound(SAMPLES, "tidewatch_journal_group_seconds", 1)).toBe(Number.POSITIVE_INFINITY);
  expect(quantileBound(SAMPLES, "tidewatch_none", 0.5)).toBeNull();
});
