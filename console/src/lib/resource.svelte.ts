/** Something that is read once and again when what it depends on changes. */
import { ApiError } from "./api/client";

export class Resource<T> {
  data = $state.raw<T | null>(null);
  error = $state.raw<ApiError | null>(null);
  isLoading = $state(false);
  #reloads = $state(0);

  /**
   * In a component's script:
   *
   *     const place = new Resource((signal) => get<SkuLocation>(`/api/v1/…/${sku}`, { signal }));
   *
   * What `read` uses before its first `await` is what it depends on. While it reads again, what was read before stays.
   */
  constructor(read: (signal: AbortSignal) => Promise<T> | null) {
    $effect(() => {
      void this.#reloads;
      const controller = new AbortController();
      const reading = read(controller.signal);
      if (reading === null) {
        this.data = null;
        this.error = null;
        return;
      }
      this.isLoading = true;
      reading.then(
        (data) => {
          if (controller.signal.aborted) return;
          this.data = data;
          this.error = null;
          this.isLoading = false;
        },
        (error: unknown) => {
          if (controller.signal.aborted) return;
          this.error = error instanceof ApiError ? error : new ApiError(0, null, String(error));
          this.isLoading = false;
        },
      );
      return () => controller.abort();
    });
  }

  reload(): void {
    this.#reloads += 1;
  }
}
