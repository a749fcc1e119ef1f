/**
 * Shard scaling: how many shards a bus has, by how full they are and how long messages wait.
 *
 * At most one step in an interval, and a step only after its reason has held for a while: longer
 * for one shard fewer than for one more. Between the thresholds nothing happens. Source: guide,
 * "Shard scaling" and the table of its scaling triggers.
 */

/** The thresholds; times are milliseconds. */
export interface ShardPolicy {
  readonly shardsMin: number
  readonly shardsMax: number
  /** Mean fill above which one is added, and below which one is removed. */
  readonly fillUp: number
  readonly fillDown: number
  /** The same of the age of the oldest delivery that waits for a worker. */
  readonly ageUpMs: number
  readonly ageDownMs: number
  /** Time between two steps. */
  readonly intervalMs: number
  /** How long the reason must have held. */
  readonly highForMs: number
  readonly lowForMs: number
}

/** The thresholds of the guide, but for the bounds. */
export const shardPolicy: ShardPolicy = {
  shardsMin: 2,
  shardsMax: 16,
  fillUp: 0.8,
  fillDown: 0.2,
  ageUpMs: 5_000,
  ageDownMs: 1_000,
  intervalMs: 60_000,
  highForMs: 60_000,
  lowForMs: 120_000
}

/** What is known of the shards when it is decided. */
export interface ShardLoad {
  readonly shards: number
  /** 0 to 1; a shard whose gate closed within the interval counts as full. */
  readonly meanFill: number
  /** Of the oldest delivery that waits. */
  readonly ageMs: number
  /** How long `isHigh` and `isLow` have been true. */
  readonly highMs: number
  readonly lowMs: number
  /** Time since the last step, or the start. */
  readonly sinceStepMs: number
  /** A gate has just closed: what it says needs no time to be believed. */
  readonly isPressed: boolean
}

/** The rule in words. */
export const shardRule =
  "one more after full or late shards, one fewer after empty and quick ones, one in an interval"

type Seen = Pick<ShardLoad, "ageMs" | "meanFill">

/** Whether there is too much for these shards. */
export const isHigh = ({ ageMs, meanFill }: Seen, policy: ShardPolicy): boolean =>
  meanFill > policy.fillUp || ageMs > policy.ageUpMs

/** Whether fewer shards would do. */
export const isLow = ({ ageMs, meanFill }: Seen, policy: ShardPolicy): boolean =>
  meanFill < policy.fillDown && ageMs < policy.ageDownMs

/** How many shards there should be: as many, one more or one fewer. */
export const shardsFor = (load: ShardLoad, policy: ShardPolicy): number => {
  const { highMs, isPressed, lowMs, meanFill, shards, sinceStepMs } = load
  const { fillUp, highForMs, intervalMs, lowForMs, shardsMax, shardsMin } = policy
  if (sinceStepMs < intervalMs) return shards
  const isUrgent = isPressed && meanFill > fillUp
  if (isHigh(load, policy)) {
    return shards < shardsMax && (isUrgent || highMs >= highForMs) ? shards + 1 : shards
  }
  return isLow(load, policy) && lowMs >= lowForMs && shards > shardsMin ? shards - 1 : shards
}
