/** The parked deliveries of the edge's fake bus: a list in memory. */
import { Effect } from "effect"
import type { Parked, ParkedDelivery, ParkedFilter } from "../../src/services/Parked.ts"

/** The service over a list, which it changes. */
export const fakeParked = (parked: Array<ParkedDelivery>): Parked => {
  const matching = ({ ids, subscription }: ParkedFilter) =>
    parked.filter((delivery) =>
      (ids === undefined || ids.includes(delivery.id)) && delivery.subscription === subscription
    )
  const take = (filter: ParkedFilter) =>
    Effect.sync(() => {
      const gone = matching(filter)
      parked.splice(0, Infinity, ...parked.filter((delivery) => !gone.includes(delivery)))
      return gone.length
    })
  return {
    list: (filter, after, limit) =>
      Effect.sync(() => matching(filter).filter(({ id }) => id > after).slice(0, limit)),
    release: (filter) => Effect.map(take(filter), (released) => ({ released })),
    drop: (filter) => Effect.map(take(filter), (dropped) => ({ dropped }))
  }
}
