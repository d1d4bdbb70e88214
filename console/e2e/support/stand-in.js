/**
 * A stand-in for a tower's feed that says more than a debug build could: pages and reads come from the real tower behind it,
 * WebSockets speak to this one. It knows what the page needs of RFC 6455 and no more.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, request } from "node:http";

const MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const OPCODE_TEXT = 1;
const OPCODE_CLOSE = 8;
const TICK_MS = 20;

/** One unmasked text frame. */
function frameOf(text) {
  const body = Buffer.from(text);
  const head = Buffer.alloc(body.length < 126 ? 2 : body.length < 65_536 ? 4 : 10);
  head[0] = 0x80 | OPCODE_TEXT;
  if (body.length < 126) head[1] = body.length;
  else if (body.length < 65_536) {
    head[1] = 126;
    head.writeUInt16BE(body.length, 2);
  } else {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(body.length), 2);
  }
  return Buffer.concat([head, body]);
}

/** Reads the short masked frames that a browser sends; calls back with opcode and text of each. */
function reader(took) {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      if (rest.length < 2) return;
      const short = rest[1] & 0x7f;
      const start = short === 126 ? 4 : 2;
      if (rest.length < start) return;
      const length = short === 126 ? rest.readUInt16BE(2) : short;
      const end = start + 4 + length;
      if (rest.length < end) return;
      const mask = rest.subarray(start, start + 4);
      const body = Buffer.from(rest.subarray(start + 4, end).map((byte, index) => byte ^ mask[index % 4]));
      const opcode = rest[0] & 0x0f;
      rest = rest.subarray(end);
      took(opcode, body.toString());
    }
  };
}

export class FeedStandIn {
  #server;
  #sockets = new Set();
  #lsn = 1_000_000;
  #timer = null;
  #items = new Map();
  #next = 0;
  #turn = 0;
  /** Events that every page was sent since the start. */
  sent = 0;

  /** Before the tower at `url`; `count` exceptions like `template` are open. */
  static async before(url, template, count) {
    const standIn = new FeedStandIn();
    standIn.template = template;
    for (let index = 0; index < count; index += 1) standIn.#open();
    standIn.#server = createServer((asked, answer) => {
      const to = request(
        new URL(asked.url, url),
        { method: asked.method, headers: asked.headers },
        (from) => {
          answer.writeHead(from.statusCode, from.headers);
          from.pipe(answer);
        },
      );
      to.on("error", () => answer.destroy());
      asked.pipe(to);
    });
    standIn.#server.on("upgrade", (asked, socket) => standIn.#upgrade(asked, socket));
    standIn.#server.listen(0, "127.0.0.1");
    await once(standIn.#server, "listening");
    standIn.url = `http://127.0.0.1:${standIn.#server.address().port}`;
    return standIn;
  }

  get open() {
    return this.#items.size;
  }

  /** The item that counts the most. */
  get highest() {
    return [...this.#items.values()].reduce((a, b) =>
      Number(a.value_at_risk.amount) >= Number(b.value_at_risk.amount) ? a : b,
    );
  }

  #open() {
    const id = this.#id(this.#next);
    this.#next += 1;
    const subject = { ...this.template.subject, sku: `load-${this.#next}` };
    this.#items.set(id, { ...this.template, id, subject, ...this.#changed() });
    return this.#items.get(id);
  }

  #id(number) {
    return `exc_${String(number).padStart(20, "0")}`;
  }

  #changed() {
    this.#lsn += 1;
    const amount = ((this.#lsn * 7_919) % 1_000_000).toFixed(2);
    // Rows change their place and, with a line more or less, their height.
    const affected = this.#lsn % 3 === 0 ? { key: `group-${this.#lsn}`, count: 2 } : null;
    return {
      lsn: this.#lsn,
      revision: this.#lsn,
      affected,
      value_at_risk: { amount, currency: this.template.value_at_risk.currency },
    };
  }

  #upgrade(asked, socket) {
    const accept = createHash("sha1")
      .update(asked.headers["sec-websocket-key"] + MAGIC)
      .digest("base64");
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        `Sec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: tidewatch.v1\r\n\r\n`,
    );
    socket.subscriptions = [];
    const say = (...frames) => socket.write(frameOf(JSON.stringify(frames)));
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    socket.on(
      "data",
      reader((opcode, text) => {
        if (opcode === OPCODE_CLOSE) socket.end();
        if (opcode !== OPCODE_TEXT) return;
        const { type, id, topics } = JSON.parse(text);
        if (type !== "subscribe") return;
        const [topic] = topics;
        const items = topic === "exceptions" ? [...this.#items.values()] : [];
        const position = this.#position;
        if (topic === "exceptions") socket.subscriptions.push(id);
        say(
          { type: "subscribed", id, recovered: false, position },
          { type: "snapshot", id, topic, items, last: true, position },
        );
      }),
    );
    say({
      type: "hello",
      epoch: "stand-in",
      position: this.#position,
      server_time: new Date().toISOString(),
    });
  }

  get #position() {
    return `stand-in-${this.#lsn}`;
  }

  /**
   * One change. Of every ten one ends the oldest and one opens another, so that what has ever been there grows without end
   * while what is there does not.
   */
  #change() {
    this.#turn += 1;
    if (this.#turn % 10 === 0) {
      const [oldest] = this.#items.values();
      this.#items.delete(oldest.id);
      const { lsn, revision } = this.#changed();
      return { kind: "exception.cleared", item: { ...oldest, state: "cleared", lsn, revision } };
    }
    if (this.#turn % 10 === 1 && this.#turn > 1) return { kind: "exception.opened", item: this.#open() };
    // Ids are dense, and the oldest are gone.
    const id = this.#id(this.#next - 1 - ((this.#turn * 31) % (this.#items.size - 1)));
    const item = { ...this.#items.get(id), ...this.#changed() };
    this.#items.set(id, item);
    return { kind: "exception.updated", item };
  }

  /** Sends `rate` events a second until `pause()`. */
  send(rate) {
    const start = Date.now();
    let due = 0;
    this.#timer = setInterval(() => {
      const upTo = Math.floor(((Date.now() - start) / 1_000) * rate);
      const changes = [];
      for (; due < upTo; due += 1) changes.push(this.#change());
      this.sent += changes.length;
      for (const socket of this.#sockets) {
        for (const id of socket.subscriptions) {
          const frames = changes.map(({ kind, item }) => ({
            type: "event",
            id,
            topic: "exceptions",
            kind,
            lsn: item.lsn,
            position: `stand-in-${item.lsn}`,
            item,
          }));
          socket.write(frameOf(JSON.stringify(frames)));
        }
      }
    }, TICK_MS);
  }

  pause() {
    clearInterval(this.#timer);
  }

  async close() {
    this.pause();
    for (const socket of this.#sockets) socket.destroy();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
