/**
 * Operators of a simulated bus: subscriptions, handlers, dead letters.
 */
import { Effect, Exit, Scope } from "effect"
import type { DeadLetter } from "../../src/domain/DeadLetter.ts"
import { type Fates, noFates } from "../../src/domain/Fate.ts"
import type { SubscriptionOptions } from "../../src/domain/Subscription.ts"
import { named } from "../layers/bus/Drafts.ts"
import { call } from "./Calls.ts"
import { handlerOf } from "./Handlers.ts"
import type { Run } from "./Run.ts"

/** One change of a subscription at a time, so that the model knows which incarnation is meant. */
const manage = <A, E extends { readonly _tag: string }>(
  run: Run,
  name: string,
  effect: Effect.Effect<A, E>,
  use: (value: A) => void
): void => {
  const { process } = run.node
  run.busy.add(name)
  const done = Effect.sync(() => run.busy.delete(name))
  call(run, "manage", Effect.ensuring(effect, done), (value) => process.alive && use(value))
}

/** Creates a subscription, or changes its limits. */
export const create = (run: Run, name: string, options: SubscriptionOptions): void => {
  const before = run.log.heads
  const { first } = run.node.core.log
  const firsts = Array.from({ length: 128 }, (_, logLane) => first(logLane))
  manage(run, name, run.node.bus.createSubscription(named(name), options), (result) => {
    run.saw(`subscription is ${result.created}`, name)
    run.deliveries.exists(result.subscription)
    if (options.filter !== undefined) run.saw(`subscription with a filter is ${result.created}`)
    if (result.created !== "New") return
    const after = run.log.heads
    result.subscription.starts.forEach((start, logLane) => {
      const isNow = options.from === "now"
      const from = isNow ? before.get(logLane) ?? 0 : firsts[logLane] ?? 0
      const to = isNow || run.kind === "MemoryLog" ? after.get(logLane) ?? 0 : first(logLane)
      if (start < from || start > to) run.breach(1, `${name} starts lane ${logLane} at ${start}`)
    })
  })
}

/** Deletes a subscription. */
export const remove = (run: Run, name: string): void => {
  const known = run.deliveries.named(name)
  if (known === undefined) return
  known.deletion = "Asked"
  voidLeases(run, name)
  const asked = Effect.onError(
    run.node.bus.deleteSubscription(name),
    () => Effect.sync(() => known.deletion = "None")
  )
  manage(run, name, asked, () => {
    known.deletion = "Done"
    run.saw("subscription deleted", name)
    detach(run, name)
  })
}

/** Lets a handler take a subscription over. */
export const attach = (
  run: Run,
  name: string,
  badness: number,
  fates: Fates = noFates,
  paceMs = 0
): void => {
  const { attached, bus, core } = run.node
  const known = run.deliveries.named(name)
  if (known === undefined || attached.has(name)) return
  const { incarnation, options } = known.subscription
  const scope = Scope.makeUnsafe()
  voidLeases(run, name)
  attached.set(name, scope)
  const handler = handlerOf(run, core, incarnation, badness, fates, paceMs)
  const handling = bus.handle(named(name), options, handler, undefined, { fates })
  const attaching = Scope.provide(handling, scope)
  const failed = Effect.sync(() => attached.delete(name))
  manage(
    run,
    name,
    Effect.onError(attaching, () => failed),
    () => run.saw("handler attached", name)
  )
}

/** Gives a subscription back to consumers that pull. */
export const detach = (run: Run, name: string): void => {
  const { attached } = run.node
  const scope = attached.get(name)
  if (scope === undefined) return
  attached.delete(name)
  manage(run, name, Scope.close(scope, Exit.void), () => run.saw("handler detached", name))
}

const voidLeases = (run: Run, name: string): void => {
  run.deliveries.leases.end((lease) => lease.name === name)
  run.generations.set(name, (run.generations.get(name) ?? 0) + 1)
}

/** Replays or deletes some of the dead letters of a subscription, or only asks what would be. */
export const operate = (
  run: Run,
  kind: "replay" | "dryRun" | "deleteLetters",
  name: string,
  share: number
): void => {
  const { bus } = run.node
  const chosen: Array<DeadLetter> = []
  const failed: Array<number> = [] // For which there was no room among the own rows.
  const work = Effect.gen(function*() {
    const letters = yield* bus.deadLetters({ subscription: name }, 0, 1_000)
    chosen.push(...letters.filter((_, at) => at % 10 < share * 10))
    checkLetters(run, chosen)
    const ids = chosen.map(({ id }) => id)
    if (ids.length === 0) return
    if (kind === "deleteLetters") {
      chosen.forEach((letter) =>
        run.deliveries.pair(letter.incarnation, letter.message.id).deleted = true
      )
      yield* bus.deleteDeadLetters({ ids })
    } else {
      if (kind === "replay") {
        chosen.forEach((letter) => run.deliveries.replayed(letter.incarnation, letter.message.id))
      }
      failed.push((yield* bus.replay({ ids }, kind === "dryRun")).failed)
    }
    run.saw(kind, `${ids}`)
    const left = yield* bus.deadLetters({ ids }, 0, 1_000)
    if (kind !== "dryRun" && left.length > (failed[0] ?? 0)) {
      run.breach(1, `${left.length} left after ${kind}`)
    }
  })
  call(run, "operate", work, () => {})
}

/** Ends what is parked of a subscription. */
export const dropParked = (run: Run, name: string): void => {
  const known = run.deliveries.named(name)
  if (known === undefined) return
  const { incarnation } = known.subscription
  const { parked } = run.node.bus
  const work = Effect.gen(function*() {
    const found = yield* parked.list({ subscription: name }, -1, 1_000)
    found.forEach(({ message }) => run.deliveries.pair(incarnation, message.id).deleted = true)
    const { dropped } = yield* parked.drop({ ids: found.map(({ id }) => id) })
    if (dropped > found.length) run.breach(1, `${dropped} dropped of ${found.length} parked`)
    if (dropped > 0) run.saw("parked ones dropped", `${dropped}`)
  })
  call(run, "operate", work, () => {})
}

/** Releases what is parked of a subscription. */
export const release = (run: Run, name: string): void => {
  const known = run.deliveries.named(name)
  if (known === undefined) return
  const { incarnation } = known.subscription
  const { parked } = run.node.bus
  const work = Effect.gen(function*() {
    const found = yield* parked.list({ subscription: name }, -1, 1_000)
    found.forEach(({ message }) => run.deliveries.replayed(incarnation, message.id))
    const ids = found.map(({ id }) => id)
    const { released } = yield* parked.release({ ids })
    run.saw("release", `${released}`)
  })
  call(run, "operate", work, () => {})
}

const checkLetters = (run: Run, letters: ReadonlyArray<DeadLetter>): void =>
  letters.forEach(({ attempts, error, incarnation, message, reason }) => {
    run.saw(`dead letter: ${reason}`)
    if (error === "its lease ran out") run.saw("lease ran out", message.payload)
    const max = run.deliveries.subscriptions.get(incarnation)?.attemptsMax ?? 0
    if (attempts > max) run.breach(5, `dead letter ${message.payload} after ${attempts} of ${max}`)
  })
