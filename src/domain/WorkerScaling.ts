/**
 * Worker scaling: how many handlers of a shard run at once, by how many deliveries wait for them.
 *
 * Quick to grow and slow to shrink: a step down needs a calm of its own, so that load around a
 * threshold changes nothing. Source: guide, "Worker scaling".
 */

/** The thresholds. */
export interface WorkerPolicy {
  /** Deliveries that wait above which the shard gets more, and below which it needs fewer. */
  readonly queuedUp: number
  readonly queuedDown: number
  /** Workers more and fewer in one step. */
  readonly stepUp: number
  readonly stepDown: number
  /** Bounds of what scaling does by itself; an operator may go beyond them. */
  readonly workersMin: number
  readonly workersMax: number
  /** How long few must wait before a step down, in milliseconds. */
  readonly calmMs: number
}

/** The thresholds of the guide; the calm is fifteen checks. */
export const workerPolicy: WorkerPolicy = {
  queuedUp: 1_000,
  queuedDown: 100,
  stepUp: 2,
  stepDown: 1,
  workersMin: 2,
  workersMax: 8,
  calmMs: 30_000
}

/** How often each shard is looked at, in milliseconds. Source: guide, "seconds". */
export const workersEveryMs = 2_000

/** What is known of a shard when it is decided. */
export interface WorkerLoad {
  readonly queued: number
  readonly workers: number
  /** How long fewer than the lower threshold have waited, since the last step at most. */
  readonly calmForMs: number
}

/** The rule in words. */
export const workerRule =
  "more workers while many deliveries wait, one fewer after each calm, within bounds"

/** How many workers the shard should have. */
export const workersFor = (
  { calmForMs, queued, workers }: WorkerLoad,
  policy: WorkerPolicy
): number => {
  const { calmMs, queuedUp, stepDown, stepUp, workersMax, workersMin } = policy
  if (queued > queuedUp && workers < workersMax) return Math.min(workersMax, workers + stepUp)
  if (calmForMs >= calmMs && workers > workersMin) return Math.max(workersMin, workers - stepDown)
  return workers
}
