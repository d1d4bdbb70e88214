// A stand-in for the demo's control service, to develop and test the tour against.
//
//   node tests/control_mock.mjs --port 8399 --origin http://127.0.0.1:5173 --tower http://127.0.0.1:8080
//
// It keeps the protocol (routes, shapes, the origin, the header), walks through invented steps, and sends a real event
// to a tower when it has one. It kills nothing: its plug answers after a while with made-up numbers.

import { createServer } from "node:http";
import process from "node:process";
import { fileURLToPath } from "node:url";

const HEADER = "x-tidewatch-demo";

function firstSteps(tower) {
  const event =
    '{"specversion":"1.0","id":"tour-1","source":"tour","type":"supplier.delay_reported",' +
    '"data":{"supplier":"brown-forman","po_id":"PO-IA-014","delay_days":12,"reason":"bottling line down"}}';
  const step = (id, title, text, more = {}) => ({
    id,
    title,
    text,
    button: null,
    curl: null,
    look_at: null,
    as: null,
    state: "waiting",
    result: null,
    ...more,
  });
  return [
    step(
      "delay-notice",
      "A supplier says it will be late",
      "Brown-Forman reports twelve days of delay. The row rises in the queue beside this panel.",
      {
        button: "Send the delay notice",
        curl: `curl -s ${tower}/api/v1/events -H 'Content-Type: application/cloudevents+json' \\\n  -d '${event}'`,
        look_at: "#/exceptions",
        state: "ready",
      },
    ),
    step(
      "look",
      "Look at the case",
      "The case groups what is affected and names the customers’ orders. Its options have a cost, a benefit and both sides of what they do.",
      { look_at: "#/cases" },
    ),
    step(
      "choose",
      "Choose a transfer",
      "As Ann, change the transfer’s quantity: both places are computed again. Then choose it.",
      { look_at: "#/cases", as: "ann;planner,supply_planner" },
    ),
    step(
      "own-approval",
      "Approve it yourself",
      "Still as Ann, try to approve. The tower refuses: a decision takes two people.",
      { as: "ann;planner,supply_planner" },
    ),
    step(
      "facts-move",
      "The facts move",
      "A recount takes stock away while the case waits. The next approval is of an old version.",
      { button: "Send the recount", curl: `curl -s ${tower}/api/v1/events -d '…'` },
    ),
    step("approve", "Approve as somebody else", "Bob is a planner too. His approval makes the action.", {
      as: "bob;planner,supply_planner",
    }),
    step("document", "One document in the ERP", "The stand-in for the ERP answers with one document, once.", {
      look_at: "#/cases",
    }),
    step(
      "plug",
      "Pull the plug",
      "The tower’s process is killed in the middle of its work, and started again.",
    ),
    step("load", "Load your own CSV", "Items, locations, stock, orders, suppliers: ten minutes.", {
      look_at: "#/load",
    }),
  ];
}

/** @returns {import('node:http').Server} not listening yet */
export function controlMock({ origin, tower = null, plugMs = 1500 }) {
  const state = {
    scenario: "spike-and-delay",
    scenarios: ["spike-and-delay", "regional-promotion"],
    title: "Winter Jack, and a supplier that is late",
    now: "2015-10-12T08:00:00Z",
    speed: 60,
    tower: { url: tower ?? "http://127.0.0.1:8080", running: true, restarts: 0, last_outage_ms: null },
    erp: { url: "http://127.0.0.1:8090", documents: [] },
    steps: firstSteps(tower ?? "http://127.0.0.1:8080"),
  };
  let sent = 0;

  const done = (index, detail, ms) => {
    Object.assign(state.steps[index], { state: "done", result: { detail, ms } });
    if (state.steps[index + 1]?.state === "waiting") state.steps[index + 1].state = "ready";
  };

  async function run(index) {
    const started = performance.now();
    if (state.steps[index].id === "delay-notice" && tower) {
      const data = {
        supplier: "brown-forman",
        po_id: "PO-IA-014",
        delay_days: 12 + sent,
        reason: "bottling line down",
      };
      sent += 1;
      const event = {
        specversion: "1.0",
        id: `tour-${Date.now()}`,
        source: "tour",
        type: "supplier.delay_reported",
        data,
      };
      const headers = { "Content-Type": "application/cloudevents+json" };
      const response = await fetch(`${tower}/api/v1/events`, {
        method: "POST",
        headers,
        body: JSON.stringify(event),
      });
      const body = await response.json();
      return done(index, `accepted as record ${body.lsn}`, Math.round(performance.now() - started));
    }
    done(index, "done", Math.round(performance.now() - started));
  }

  async function answer(request, body) {
    const [, first, id] = request.url.split("/");
    if (request.method === "GET" && first === "state") return [200, state];
    if (request.method !== "POST") return [404, { detail: "no such route" }];
    if (first === "steps") {
      const index = state.steps.findIndex((step) => step.id === decodeURIComponent(id ?? ""));
      if (index < 0) return [404, { detail: "no such step" }];
      if (!["ready", "done", "failed"].includes(state.steps[index].state))
        return [409, { detail: "the steps before it come first" }];
      await run(index);
      return [200, state];
    }
    if (first === "plug") {
      state.tower.running = false;
      await new Promise((resolve) => setTimeout(resolve, plugMs));
      const documents = state.erp.documents.length;
      Object.assign(state.tower, {
        running: true,
        restarts: state.tower.restarts + 1,
        last_outage_ms: plugMs,
      });
      const index = state.steps.findIndex((step) => step.id === "plug");
      done(index, `back after ${plugMs} ms`, plugMs);
      return [
        200,
        {
          outage_ms: plugMs,
          lsn_before: 361_900,
          lsn_after: 361_900,
          documents_before: documents,
          documents_after: documents,
        },
      ];
    }
    if (first === "speed") {
      const { speed } = JSON.parse(body || "{}");
      if (!(speed > 0)) return [400, { detail: "speed must be above zero" }];
      state.speed = speed;
      return [200, state];
    }
    return [404, { detail: "no such route" }];
  }

  return createServer((request, response) => {
    const headers = { "Content-Type": "application/json", Vary: "Origin" };
    if (request.headers.origin === origin) headers["Access-Control-Allow-Origin"] = origin;
    if (request.method === "OPTIONS") {
      headers["Access-Control-Allow-Headers"] = `${HEADER}, content-type`;
      headers["Access-Control-Allow-Methods"] = "GET, POST";
      response.writeHead(204, headers).end();
      return;
    }
    if (request.headers[HEADER] !== "1") {
      response.writeHead(403, headers).end(JSON.stringify({ detail: `wants ${HEADER}: 1` }));
      return;
    }
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      answer(request, body)
        .catch((error) => [500, { detail: String(error) }])
        .then(([status, value]) => response.writeHead(status, headers).end(JSON.stringify(value)));
    });
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const option = (name, fallback) => {
    const at = process.argv.indexOf(`--${name}`);
    return at > 0 ? process.argv[at + 1] : fallback;
  };
  const port = Number(option("port", "8399"));
  const server = controlMock({
    origin: option("origin", "http://127.0.0.1:5173"),
    tower: option("tower", null),
  });
  server.listen(port, "127.0.0.1", () => console.log(`control service at http://127.0.0.1:${port}`));
}
