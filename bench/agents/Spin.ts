/**
 * An agent that does nothing but take time of the processor: so much as its message says.
 */

/** Handles the heavy messages of the benchmark. */
export const spin = {
  topic: "bench.heavy",
  handle: ({ millis }: { readonly millis: number }): void => {
    const until = performance.now() + millis
    while (performance.now() < until) { /* As a computation would. */ }
  }
}
