/** A wire between browser and tower that can be cut. */
import { once } from "node:events";
import { connect, createServer } from "node:net";

export class Wire {
  #server;
  #sockets = new Set();
  #isCut = false;

  /** Leads to `port` of this machine. */
  static async to(port) {
    const wire = new Wire();
    wire.#server = createServer((near) => {
      wire.#keep(near);
      if (wire.#isCut) return near.destroy();
      const far = wire.#keep(connect(port, "127.0.0.1"));
      near.pipe(far).pipe(near);
    }).listen(0, "127.0.0.1");
    await once(wire.#server, "listening");
    wire.url = `http://127.0.0.1:${wire.#server.address().port}`;
    return wire;
  }

  #keep(socket) {
    this.#sockets.add(socket);
    socket.on("close", () => {
      this.#sockets.delete(socket);
      // One end takes the other with it.
      socket.destroy();
    });
    socket.on("error", () => socket.destroy());
    return socket;
  }

  /** Nothing goes through any more, and nothing new. */
  cut() {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend() {
    this.#isCut = false;
  }

  async close() {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }
}
