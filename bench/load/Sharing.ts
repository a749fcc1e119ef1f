/**
 * Sharing: a smoke run uses each server and generator for all of its workloads, because starting
 * them is most of what it does; a measurement has its own.
 */

/** What was started. */
export interface Stoppable {
  readonly stop: () => Promise<void>
}

const shared = new Map<() => Promise<Stoppable>, Promise<Stoppable>>()

/** Starts it, or in a smoke run takes the one that `start` has started already. */
export const acquire = <A extends Stoppable>(
  start: () => Promise<A>,
  smoke: boolean
): Promise<A> => {
  if (!smoke) return start()
  const running = shared.get(start) as Promise<A> | undefined // What this very function started.
  if (running !== undefined) return running
  const started = start()
  shared.set(start, started)
  return started
}

/** Stops what a workload acquired, unless it is shared. */
export const release = async (smoke: boolean, ...all: ReadonlyArray<Stoppable>): Promise<void> => {
  if (!smoke) await Promise.all(all.map(({ stop }) => stop()))
}

/** Stops everything that is shared. */
export const stopShared = async (): Promise<void> => {
  const all = await Promise.allSettled(shared.values())
  await Promise.all(all.map((one) => one.status === "fulfilled" ? one.value.stop() : undefined))
}
