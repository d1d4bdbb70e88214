/** Light or dark: as the system is set, or as somebody chose here. */

export type Theme = "system" | "light" | "dark";

const ITEM = "tidewatch.theme";
const THEMES: readonly Theme[] = ["system", "light", "dark"];

class ThemeChoice {
  chosen = $state<Theme>(THEMES.find((theme) => theme === localStorage.getItem(ITEM)) ?? "system");
  #system = $state<"light" | "dark">("light");
  /** What is shown; charts, which draw by themselves, follow it. */
  readonly shown = $derived(this.chosen === "system" ? this.#system : this.chosen);

  constructor() {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    this.#system = dark.matches ? "dark" : "light";
    dark.addEventListener("change", ({ matches }) => {
      this.#system = matches ? "dark" : "light";
    });
    this.#apply();
  }

  choose(theme: Theme): void {
    this.chosen = theme;
    if (theme === "system") localStorage.removeItem(ITEM);
    else localStorage.setItem(ITEM, theme);
    this.#apply();
  }

  /** The next one of system, light, dark. */
  cycle(): void {
    this.choose(THEMES[(THEMES.indexOf(this.chosen) + 1) % THEMES.length] ?? "system");
  }

  #apply(): void {
    if (this.chosen === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = this.chosen;
  }
}

export const theme = new ThemeChoice();
