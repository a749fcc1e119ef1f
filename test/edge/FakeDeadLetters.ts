/** The dead letters of the edge's fake bus: a list in memory, and what was asked of it. */
import { Effect } from "effect"
import {
  type DeadLetter,
  type DeadLetterFilter,
  DeadLetterUnknown
} from "../../src/domain/DeadLetter.ts"

/** What tests look at and change. */
export interface FakeDeadLetters {
  readonly deadLetters: Array<DeadLetter>
  readonly filters: Array<DeadLetterFilter>
}

/** The calls over a list, which they change. */
export const deadLetterCalls = (fake: FakeDeadLetters) => {
  const matching = (filter: DeadLetterFilter) => {
    fake.filters.push(filter)
    return fake.deadLetters.filter(({ id, message, subscription }) =>
      (filter.ids === undefined || filter.ids.includes(id)) &&
      (filter.topic === undefined || filter.topic === message.topic) &&
      (filter.subscription === undefined || filter.subscription === subscription)
    )
  }
  return {
    deadLetters: (filter: DeadLetterFilter, after: number, limit: number) =>
      Effect.sync(() => matching(filter).filter(({ id }) => id > after).slice(0, limit)),
    editDeadLetter: (id: number, payload: string) =>
      Effect.suspend(() => {
        const index = fake.deadLetters.findIndex((letter) => letter.id === id)
        const letter = fake.deadLetters[index]
        if (letter === undefined) return Effect.fail(new DeadLetterUnknown({ id: String(id) }))
        const edited = { ...letter, message: { ...letter.message, payload } }
        fake.deadLetters[index] = edited
        return Effect.succeed(edited)
      }),
    deleteDeadLetters: (filter: DeadLetterFilter) =>
      Effect.sync(() => {
        const gone = matching(filter)
        fake.deadLetters.splice(0, Infinity, ...fake.deadLetters.filter((at) => !gone.includes(at)))
        return gone.length
      }),
    replay: (filter: DeadLetterFilter, dryRun: boolean) =>
      Effect.sync(() => {
        const found = matching(filter).length
        const remaining = fake.deadLetters.length - (dryRun ? 0 : found)
        return { replayed: found, failed: 0, remaining }
      })
  }
}
