/**
 * What operators ask of all pods at once, put together from what each says.
 */
import * as Effect from "effect/Effect"
import type { BusClosed, MessageBus, Replayed } from "../../services/MessageBus.ts"
import type { LogUnavailable } from "../../services/MessageLog.ts"
import type { ParkedDelivery } from "../../services/Parked.ts"
import { operated } from "./Narrowing.ts"
import { type Ask, type Refused, type Said, valueOf } from "./Wire.ts"

type Bus = MessageBus["Service"]

/** Requests that operators make of all pods. */
type Asked = Extract<Ask, {
  readonly kind: "deleteLetters" | "drop" | "parked" | "release" | "replay" | "snapshot"
}>

/** What all other pods say; fails if one does not. */
export type Asking = <A>(ask: Asked) => Effect.Effect<ReadonlyArray<A>, BusClosed | LogUnavailable>

/** Asks all other pods. */
export const asking = (
  { gather }: { readonly gather: (ask: Asked) => Effect.Effect<ReadonlyArray<Said>, Refused> }
): Asking =>
<A>(ask: Asked) => Effect.map(operated(gather(ask)), (all) => all.map((said) => valueOf<A>(said)))

/** The part of a bus that is the same in all pods. */
export const summed = (
  bus: Bus,
  others: Asking
): Pick<Bus, "deleteDeadLetters" | "parked" | "replay"> => ({
  deleteDeadLetters: (filter) =>
    Effect.gen(function*() {
      const there = yield* others<number>({ kind: "deleteLetters", filter })
      return there.reduce((sum, count) => sum + count, yield* bus.deleteDeadLetters(filter))
    }),
  replay: (filter, dryRun) =>
    Effect.gen(function*() {
      const there = yield* others<Replayed>({ kind: "replay", filter, dryRun })
      const all = [yield* bus.replay(filter, dryRun), ...there]
      return {
        replayed: all.reduce((sum, { replayed }) => sum + replayed, 0),
        failed: all.reduce((sum, { failed }) => sum + failed, 0),
        remaining: all.reduce((sum, { remaining }) => sum + remaining, 0)
      }
    }),
  parked: parkedOver(bus, others)
})

const parkedOver = (bus: Bus, others: Asking): Bus["parked"] => ({
  list: (filter, after, limit) =>
    Effect.gen(function*() {
      const there = yield* Effect.orElseSucceed(
        others<ReadonlyArray<ParkedDelivery>>({ kind: "parked", filter, after, limit }),
        () => []
      )
      const all = [...yield* bus.parked.list(filter, after, limit), ...there.flat()]
      return all.toSorted((a, b) => a.id - b.id).slice(0, limit)
    }),
  release: (filter) =>
    Effect.gen(function*() {
      const there = yield* others<{ readonly released: number }>({ kind: "release", filter })
      const { released } = yield* bus.parked.release(filter)
      return { released: there.reduce((sum, one) => sum + one.released, released) }
    }),
  drop: (filter) =>
    Effect.gen(function*() {
      const there = yield* others<{ readonly dropped: number }>({ kind: "drop", filter })
      const { dropped } = yield* bus.parked.drop(filter)
      return { dropped: there.reduce((sum, one) => sum + one.dropped, dropped) }
    })
})
