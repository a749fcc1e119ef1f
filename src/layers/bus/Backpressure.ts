/**
 * Backpressure: what happens when the gate of a shard closes or opens, and to publishes before it.
 */
import type { PublishError } from "../../services/MessageBus.ts"
import { ShardFull, ShardPaused } from "../../services/Shards.ts"
import { backlogRefusal } from "./Backlog.ts"
import type { Core } from "./Core.ts"
import type { Shard } from "./Shard.ts"
import { announce, announced } from "./Volatile.ts"

/** When a refused publisher should try again, in milliseconds. */
export const shardFullRetryMs = 1_000

/** When a publisher to a paused shard should try again, in milliseconds: nobody knows better. */
export const shardPausedRetryMs = 5_000

/** The gate of a shard closed or opened: one decision and one announcement each. */
export const gateChanged = (core: Core, shard: Shard): void => {
  const { gate, held: queued, id, limits: { slotsMax: limit } } = shard
  const event = gate === "Closed" ? "pause" : "resume"
  core.decide({
    kind: "gate",
    subject: `shard ${id}`,
    rule: "closes at the high fill by count or bytes, opens below the low one",
    inputs: inputsOf(core, shard),
    outcome: gate
  })
  announce(core, announced.backpressure, { event, shard: id, queued, limit })
  core.onBackpressure.forEach((listener) => {
    try { // A listener is foreign code: the gate has changed, whatever it throws.
      listener(shard)
    } catch (cause) {
      core.options.warn(`a listener for the gate of shard ${id} failed`, cause)
    }
  })
}

/** Why a shard takes no message of so many bytes now; `undefined` when it does. */
export const refusalOf = (core: Core, shard: Shard, bytes: number): PublishError | undefined => {
  if (core.backlog.gate === "Closed") return backlogRefusal(core)
  if (!shard.paused && !shard.isFull(bytes)) return undefined
  const error = shard.paused
    ? new ShardPaused({ shard: shard.id, retryAfterMs: shardPausedRetryMs })
    : new ShardFull({ shard: shard.id, retryAfterMs: shardFullRetryMs })
  core.decisions.sample({
    kind: "refusal",
    subject: `shard ${shard.id}`,
    rule: shard.paused
      ? "a paused shard takes no message"
      : "a closed gate takes no message, an open one none that does not fit",
    inputs: { ...inputsOf(core, shard), messageBytes: bytes },
    outcome: error._tag
  }, core.now())
  return error
}

const inputsOf = (core: Core, { bytes, fill, gate, limits, slots }: Shard) => ({
  slots,
  slotsMax: limits.slotsMax,
  bytes,
  bytesMax: limits.bytesMax,
  fill,
  gate,
  ...core.options.watermarks
})
