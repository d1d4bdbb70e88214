import type { Server } from "node:http";

/** A stand-in for the demo's control service; it does not listen yet. */
export function controlMock(options: { origin: string; tower?: string | null; plugMs?: number }): Server;
