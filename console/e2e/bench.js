/** Frame times and long tasks of the page under load; a table, and no judgement. */
import { launch, open, queueRows } from "./support/browser.js";
import { Tower } from "./support/processes.js";
import { FeedStandIn } from "./support/stand-in.js";
import { sleep } from "./support/wait.js";
import { runOut } from "./support/world.js";

const RATES = [0, 100, 1_000, 5_000, 10_000];
const SECONDS = Number(process.env.BENCH_SECONDS ?? 5);
const OPEN = 1_000;

const tower = await Tower.start();
let standIn;
let browser;
try {
  await tower.tell(runOut("jacket"));
  const { items } = await tower.get("/exceptions?type=shortage_now");
  standIn = await FeedStandIn.before(tower.url, { ...items[0], case_id: null, state: "open" }, OPEN);
  browser = await launch();
  const page = await open(browser, standIn.url);
  await queueRows(page).first().waitFor();
  await page.getByRole("button", { name: `All ${OPEN}` }).click();
  await page.evaluate(() => {
    globalThis.frames = [];
    globalThis.longTasks = [];
    let last = performance.now();
    const tick = (now) => {
      globalThis.frames.push(now - last);
      last = now;
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
    new PerformanceObserver((list) => {
      globalThis.longTasks.push(...list.getEntries().map(({ duration }) => duration));
    }).observe({ entryTypes: ["longtask"] });
  });
  const debug = await page.context().newCDPSession(page);
  await debug.send("HeapProfiler.enable");

  const rows = [];
  for (const rate of RATES) {
    await page.evaluate(() => {
      globalThis.frames.length = 0;
      globalThis.longTasks.length = 0;
    });
    const sentBefore = standIn.sent;
    if (rate > 0) standIn.send(rate);
    await sleep(SECONDS * 1_000);
    const sent = standIn.sent - sentBefore;
    const { frames, longTasks } = await page.evaluate(() => ({
      frames: [...globalThis.frames],
      longTasks: [...globalThis.longTasks],
    }));
    standIn.pause();
    await debug.send("HeapProfiler.collectGarbage");
    const { usedSize } = await debug.send("Runtime.getHeapUsage");
    frames.sort((a, b) => a - b);
    const share = (part) =>
      (frames[Math.min(frames.length - 1, Math.floor(frames.length * part))] ?? 0).toFixed(1);
    rows.push({
      "events/s": Math.round(sent / SECONDS),
      "frames/s": (frames.length / SECONDS).toFixed(1),
      "frame p50 ms": share(0.5),
      "p95 ms": share(0.95),
      "p99 ms": share(0.99),
      "max ms": share(1),
      "long tasks": longTasks.length,
      "their ms": Math.round(longTasks.reduce((sum, duration) => sum + duration, 0)),
      "heap MB": (usedSize / 1e6).toFixed(1),
    });
  }
  process.stdout.write(`${OPEN} open exceptions, ${SECONDS} s at each rate, Chromium ${browser.version()}\n`);
  const names = Object.keys(rows[0]);
  const widths = names.map((name) => Math.max(name.length, ...rows.map((row) => String(row[name]).length)));
  const line = (cells) => `${cells.map((cell, index) => String(cell).padStart(widths[index])).join("  ")}\n`;
  process.stdout.write(line(names));
  for (const row of rows) process.stdout.write(line(Object.values(row)));
} finally {
  await browser?.close();
  await standIn?.close();
  await tower.remove();
}
