/** The three plots of a projection, one above the other on one axis of days: balance, receipts, demand. */

import type uPlot from "uplot";
import type { Columns, Span } from "./projection";

/** Width of the axis of quantities in pixels: equal in all plots, so that days stand below each other. */
export const AXIS_WIDTH = 52;
/** Space at the right in pixels, for the last day's label. */
export const RIGHT_PADDING = 14;

/** What is drawn on a canvas, which no style sheet reaches. */
export interface Colours {
  text: string;
  grid: string;
  balance: string;
  band: string;
  /** Of reorder point and safety stock: lines that differ in their dashes and carry their names. */
  level: string;
  shortage: string;
  receipts: string;
  demand: string;
}

/** Each colour as the style sheet knows it. */
const SOURCES: Record<keyof Colours, string> = {
  text: "var(--muted)",
  grid: "var(--line)",
  balance: "var(--accent)",
  band: "color-mix(in srgb, var(--accent) 18%, transparent)",
  level: "var(--muted)",
  shortage: "color-mix(in srgb, var(--critical) 16%, transparent)",
  receipts: "var(--accent)",
  demand: "var(--line-strong)",
};

/** The theme's colours, as they are within `node` at the moment. */
export function coloursWithin(node: HTMLElement): Colours {
  const probe = document.createElement("span");
  probe.hidden = true;
  node.append(probe);
  const resolve = (source: string) => {
    probe.style.color = source;
    return getComputedStyle(probe).color;
  };
  const colours = Object.fromEntries(
    Object.entries(SOURCES).map(([name, source]) => [name, resolve(source)]),
  ) as Record<keyof Colours, string>;
  probe.remove();
  return colours;
}

export interface Levels {
  reorderPoint: number;
  safetyStock: number;
}

/** What the plots call back, and what they read while drawing. */
export interface Surroundings {
  shortages: () => Span[];
  /** Position of today on the axis; `null` while there is no day. */
  today: () => number | null;
  levels: () => Levels;
  hovered: (index: number | null) => void;
  format: (quantity: number) => string;
  colours: Colours;
  /** Names the plots whose cursors move together. */
  group: string;
}

/** Steps of an axis of quantities: whole ones. */
const STEPS = [1, 2, 5]
  .flatMap((step) => Array.from({ length: 10 }, (_, power) => step * 10 ** power))
  .sort((a, b) => a - b);
const DAY_S = 86_400;
/** Steps of the axis of days. */
const DAY_STEPS = [1, 2, 7, 14, 28].map((days) => days * DAY_S);
/** Days stand at midnight UTC. */
const DAY_LABEL = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const FONT = "12px system-ui, sans-serif";

export type Data = uPlot.AlignedData;

export function balanceData(columns: Columns, levels: Levels): Data {
  const level = (value: number) => columns.x.map(() => value);
  return [
    columns.x,
    columns.p90,
    columns.p10,
    level(levels.reorderPoint),
    level(levels.safetyStock),
    columns.balance,
  ];
}

function shade(plot: uPlot, spans: Span[], colour: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.fillStyle = colour;
  for (const span of spans) {
    const left = plot.valToPos(span.from, "x", true);
    const right = plot.valToPos(span.until, "x", true);
    ctx.fillRect(left, bbox.top, right - left, bbox.height);
  }
  ctx.restore();
}

function markToday(plot: uPlot, today: number, colour: string, isLabelled: boolean): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  const x = Math.round(plot.valToPos(today, "x", true));
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.lineWidth = ratio;
  ctx.setLineDash([2 * ratio, 3 * ratio]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  if (isLabelled) {
    ctx.fillStyle = colour;
    ctx.font = FONT.replace("12px", `${12 * ratio}px`);
    ctx.textAlign = "left";
    ctx.textBaseline = "bottom";
    ctx.fillText("today", x + 4 * ratio, bbox.top + bbox.height - 2 * ratio);
  }
  ctx.restore();
}

function base(
  surroundings: Surroundings,
  isFirst: boolean,
  isLast: boolean,
  width: number,
  height: number,
): uPlot.Options {
  const { colours } = surroundings;
  return {
    width,
    height,
    legend: { show: false },
    // Local days stand at midnight UTC.
    tzDate: (seconds) => {
      const utc = new Date(seconds * 1000);
      return new Date(utc.getTime() + utc.getTimezoneOffset() * 60_000);
    },
    padding: [isFirst ? 8 : 4, RIGHT_PADDING, isLast ? 0 : 4, 0],
    cursor: {
      sync: { key: surroundings.group },
      drag: { x: false, y: false, setScale: false },
      points: { show: false },
      y: false,
    },
    scales: {
      // Half a day of room on both sides, for bars and for shortages that reach to the end.
      x: { time: true, range: (_plot, from, until) => [from - 43_200, until + 43_200] },
    },
    axes: [
      isLast
        ? {
            stroke: colours.text,
            font: FONT,
            grid: { stroke: colours.grid, width: 1 },
            ticks: { stroke: colours.grid, width: 1, size: 4 },
            size: 28,
            space: 62,
            incrs: DAY_STEPS,
            values: (_plot, splits) => splits.map((split) => DAY_LABEL.format(split * 1000)),
          }
        : {
            show: true,
            size: 0,
            values: (_plot, splits) => splits.map(() => ""),
            grid: { stroke: colours.grid, width: 1 },
            ticks: { show: false },
            space: 62,
            incrs: DAY_STEPS,
          },
      {
        stroke: colours.text,
        font: FONT,
        size: AXIS_WIDTH,
        space: isFirst ? 36 : 22,
        incrs: STEPS,
        grid: { stroke: colours.grid, width: 1 },
        ticks: { show: false },
        values: (_plot, splits) => splits.map((split) => surroundings.format(split)),
      },
    ],
    series: [{}],
    hooks: {
      drawClear: [(plot) => shade(plot, surroundings.shortages(), colours.shortage)],
      draw: [
        (plot) => {
          const today = surroundings.today();
          if (today !== null) markToday(plot, today, colours.text, isFirst);
        },
      ],
      setCursor: [(plot) => surroundings.hovered(plot.cursor.idx ?? null)],
    },
  };
}

/** Where stock ends: below it, customers wait. */
function drawZero(plot: uPlot, colour: string): void {
  const { ctx, bbox } = plot;
  const y = Math.round(plot.valToPos(0, "y", true));
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.lineWidth = devicePixelRatio;
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.restore();
}

/** Writes the levels' names at their right ends: above the higher one and below the lower one, so that they never meet. */
function nameLevels(plot: uPlot, { reorderPoint, safetyStock }: Levels, colour: string): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  const right = bbox.left + bbox.width - 4 * ratio;
  const isReorderPointHigher = reorderPoint >= safetyStock;
  ctx.save();
  ctx.fillStyle = colour;
  ctx.font = FONT.replace("12px", `${12 * ratio}px`);
  ctx.textAlign = "right";
  const write = (text: string, value: number, isAbove: boolean) => {
    if (value <= 0) return;
    ctx.textBaseline = isAbove ? "bottom" : "top";
    ctx.fillText(text, right, plot.valToPos(value, "y", true) + (isAbove ? -3 : 3) * ratio);
  };
  write("reorder point", reorderPoint, isReorderPointHigher);
  write("safety stock", safetyStock, !isReorderPointHigher);
  ctx.restore();
}

/** Balance with its band and the levels that it is held against. */
export function balanceOptions(surroundings: Surroundings, width: number, height: number): uPlot.Options {
  const { colours } = surroundings;
  const options = base(surroundings, true, false, width, height);
  const edge = { stroke: "transparent", width: 0, points: { show: false } };
  return {
    ...options,
    scales: {
      ...options.scales,
      y: {
        range: (_plot, least, most) => {
          const low = Math.min(0, least ?? 0);
          const high = Math.max(1, most ?? 1);
          const room = (high - low) * 0.06;
          return [low < 0 ? low - room : 0, high + room];
        },
      },
    },
    series: [
      {},
      edge,
      edge,
      { stroke: colours.level, width: 1.5, dash: [7, 4], points: { show: false } },
      { stroke: colours.level, width: 1.5, dash: [2, 3], points: { show: false } },
      { stroke: colours.balance, width: 2, points: { show: false } },
    ],
    bands: [{ series: [1, 2], fill: colours.band }],
    hooks: {
      ...options.hooks,
      drawAxes: [(plot) => drawZero(plot, colours.text)],
      draw: [...(options.hooks?.draw ?? []), (plot) => nameLevels(plot, surroundings.levels(), colours.text)],
    },
  };
}

/** One quantity a day as bars. */
export function barOptions(
  surroundings: Surroundings,
  uPlotClass: typeof uPlot,
  colour: string,
  isLast: boolean,
  width: number,
  height: number,
): uPlot.Options {
  const options = base(surroundings, false, isLast, width, height);
  const paths = uPlotClass.paths.bars?.({ size: [0.7, 14], align: 0 });
  return {
    ...options,
    scales: { ...options.scales, y: { range: (_plot, _least, most) => [0, Math.max(1, (most ?? 1) * 1.1)] } },
    series: [
      {},
      { stroke: colour, fill: colour, width: 0, points: { show: false }, ...(paths ? { paths } : {}) },
    ],
  };
}
