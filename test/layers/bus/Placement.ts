/** Where the shards of a bus should hold what, beside what they do hold. */
import type { Core } from "../../../src/layers/bus/Core.ts"
import type { Slot } from "../../../src/layers/bus/Slot.ts"

/** What is wrong with the slots of a bus in which no append waits; empty when all is exact. */
export const misplaced = (core: Core): ReadonlyArray<string> => {
  const slots = new Set<Slot>()
  for (const consumer of core.consumers.values()) {
    for (const { slot } of consumer.unsettled()) if (slot !== undefined) slots.add(slot)
  }
  const wrong = [...slots].flatMap(({ position, shard }) =>
    core.shardSet.at(position) === shard
      ? []
      : [`a slot of position ${position} is counted in shard ${shard.id}`]
  )
  const counts = core.shards.flatMap((shard) => {
    const own = [...slots].filter((slot) => slot.shard === shard)
    const high = own.filter(({ lane }) => lane === 0).length
    const bytes = own.reduce((sum, slot) => sum + slot.bytes, 0)
    return shard.slots === own.length && shard.slotsHigh === high && shard.bytes === bytes
      ? []
      : [`shard ${shard.id} counts ${shard.slots} slots, ${bytes} bytes; it has ${own.length}`]
  })
  return [...wrong, ...counts]
}
