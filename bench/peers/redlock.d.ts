/** What is used of `redlock`, whose own types cannot be found through its package. */
declare module "redlock" {
  import type { Redis } from "ioredis"

  export default class Redlock {
    constructor(clients: ReadonlyArray<Redis>, settings: { readonly retryCount: number })
    acquire(
      names: ReadonlyArray<string>,
      leaseMs: number
    ): Promise<{ readonly release: () => Promise<unknown> }>
  }
}
