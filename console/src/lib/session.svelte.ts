/** Who looks at the console: a developer in a role, or the holder of an API key. */

/** What `/console.json` says of the tower; public. */
export interface ConsoleInfo {
  dev: boolean;
  tenant: string;
  base_currency: string;
  timezone: string;
  /** The demo's control service, if this tower belongs to a demo. */
  demo: { control: string } | null;
}

/** Somebody to be in `--dev`. */
export interface Persona {
  name: string;
  roles: string[];
}

export const ROLES = [
  "viewer",
  "planner",
  "category_manager",
  "supply_planner",
  "finance",
  "supplier",
  "integration",
  "agent",
  "auditor",
  "admin",
] as const;

const KEY_ITEM = "tidewatch.key";
const PERSONA_ITEM = "tidewatch.persona";

/** The header `X-Tidewatch-Act-As` of a persona. */
export function actAs(persona: Persona): string {
  return `${persona.name};${persona.roles.join(",")}`;
}

/** Reads what {@link actAs} writes, `null` where that names nobody. */
export function parseActAs(text: string): Persona | null {
  const [name = "", roles = ""] = text.split(";");
  const known = roles
    .split(",")
    .map((role) => role.trim())
    .filter((role) => (ROLES as readonly string[]).includes(role));
  return name.trim() === "" || known.length === 0 ? null : { name: name.trim(), roles: known };
}

class Session {
  /** `null` until the tower has told. */
  info = $state.raw<ConsoleInfo | null>(null);
  key = $state<string | null>(sessionStorage.getItem(KEY_ITEM));
  /** In `--dev`; `null` is the developer with every role. */
  persona = $state.raw<Persona | null>(parseActAs(sessionStorage.getItem(PERSONA_ITEM) ?? ""));
  /** The tower did not take the credentials. */
  refused = $state(false);
  /** Rises whenever somebody else looks on: what was shown to the one before is forgotten. */
  generation = $state(0);

  /** Whether a key must be asked for. */
  needsKey = $derived(this.info !== null && !this.info.dev && (this.key === null || this.refused));
  /** Whether requests can be made. */
  isReady = $derived(this.info !== null && !this.needsKey);
  /** Who commands are given as. */
  name = $derived(this.info?.dev ? (this.persona?.name ?? "dev") : null);

  signIn(key: string): void {
    sessionStorage.setItem(KEY_ITEM, key);
    this.key = key;
    this.#begin();
  }

  signOut(): void {
    sessionStorage.removeItem(KEY_ITEM);
    this.key = null;
    this.#begin();
  }

  become(persona: Persona | null): void {
    if (persona) sessionStorage.setItem(PERSONA_ITEM, actAs(persona));
    else sessionStorage.removeItem(PERSONA_ITEM);
    this.persona = persona;
    this.#begin();
  }

  /** The headers that prove who asks. */
  headers(): Record<string, string> {
    if (this.info?.dev) return this.persona ? { "X-Tidewatch-Act-As": actAs(this.persona) } : {};
    return this.key ? { Authorization: `Bearer ${this.key}` } : {};
  }

  #begin(): void {
    this.refused = false;
    this.generation += 1;
  }
}

export const session = new Session();
