/**
 * Replays: dead letters that are delivered again, edited or deleted.
 *
 * A replay never appends: one commit deletes the dead letter and stores the delivery as a row of
 * its own, for the one subscription that failed it, behind what its lane holds at that moment.
 */
import * as Effect from "effect/Effect"
import {
  type DeadLetter,
  type DeadLetterFilter,
  DeadLetterUnknown
} from "../../domain/DeadLetter.ts"
import { payloadBytesMax, PayloadTooLarge } from "../../domain/Message.ts"
import type { MessageId } from "../../domain/MessageId.ts"
import { partitionOfId } from "../../domain/MessageId.ts"
import { logLaneOf, partitionOfLogLane, partitionOfNumber } from "../../domain/Position.ts"
import { laneOf } from "../../domain/Priority.ts"
import type { BusClosed, Replayed } from "../../services/MessageBus.ts"
import type { LogUnavailable, OwnRow } from "../../services/MessageLog.ts"
import { apart } from "./Apart.ts"
import type { Consumer } from "./Consumer.ts"
import type { Core } from "./Core.ts"
import { whenOpen } from "./Openness.ts"
import { fromRow, place } from "./OwnRowDelivery.ts"

/** Dead letters replayed or deleted in one commit. */
export const replayBatchMax = 500

/** Dead letters by id, as stored and including what was not stored until now. */
export const list = (
  core: Core,
  filter: DeadLetterFilter,
  after: number,
  limit: number,
  asOf: "Now" | "Lately" = "Now"
) =>
  Effect.andThen(core.settler.deadLettersStored, core.log.deadLetters(filter, after, limit, asOf))

/**
 * Runs `use` for each page of dead letters that pass the filter and are there now: a letter that
 * fails again at once gets a new id, which is not looked at any more.
 */
const eachPage = <E>(
  core: Core,
  filter: DeadLetterFilter,
  use: (page: ReadonlyArray<DeadLetter>) => Effect.Effect<void, E>
): Effect.Effect<void, E | LogUnavailable> => {
  const end = core.numbers.deadLettersEnd
  const from = (after: number): Effect.Effect<void, E | LogUnavailable> =>
    Effect.flatMap(list(core, filter, after, replayBatchMax), (found) => {
      const last = found[found.length - 1]
      // Letters of partitions that another pod has are its own to change.
      const page = found.filter(({ id }) => id < end && core.log.owns(partitionOfNumber(id)))
      return last === undefined || last.id >= end
        ? use(page)
        : Effect.andThen(use(page), found.length < replayBatchMax ? Effect.void : from(last.id))
    })
  return from(0)
}

const ownerOf = (core: Core, letter: DeadLetter): Consumer | undefined => {
  const consumer = core.consumers.get(letter.subscription)
  return consumer?.subscription.incarnation === letter.incarnation ? consumer : undefined
}

/** How many dead letters there are of a topic and subscription, of whatever age. */
const countKept = (core: Core, { subscription, topic }: DeadLetterFilter) => {
  if (topic === undefined) {
    return Effect.sync(() =>
      [...core.consumers.values()]
        .filter((consumer) =>
          (subscription ?? consumer.subscription.name) ===
            consumer.subscription.name
        )
        .reduce((sum, { totals }) => sum + totals.deadLetters, 0)
    )
  }
  const counts = { kept: 0 }
  const counted = eachPage(core, { subscription, topic }, (page) =>
    Effect.sync(() => {
      counts.kept += page.length
    }))
  return Effect.map(counted, () => counts.kept)
}

/**
 * Delivers dead letters again. `remaining` counts those of the topic and subscription asked for
 * that stay, because they are older than asked for or not among the ids.
 */
export const replay = (
  core: Core,
  filter: DeadLetterFilter,
  dryRun: boolean
): Effect.Effect<Replayed, LogUnavailable | BusClosed> =>
  core.letters.withPermit(Effect.gen(function*() {
    yield* whenOpen(core)
    const counts = { replayed: 0, failed: 0 }
    yield* eachPage(core, filter, (page) => {
      const owned = withRoom(core, page.filter((letter) => ownerOf(core, letter) !== undefined))
      counts.replayed += owned.length
      counts.failed += page.length - owned.length
      return dryRun ? Effect.void : replayPage(core, owned)
    })
    const kept = yield* countKept(core, filter)
    return { ...counts, remaining: kept - (dryRun ? counts.replayed : 0) }
  }))

/** Those of a page for which there is room among the own rows: the rest stays dead, and failed. */
const withRoom = (
  core: Core,
  page: ReadonlyArray<DeadLetter>
): ReadonlyArray<DeadLetter> => {
  let bytes = 0 // A running sum.
  return page.filter(({ message }, at) => {
    bytes += message.payload.length + (message.headers?.length ?? 0)
    return !core.ownRows.isFull(bytes, at + 1)
  })
}

const replayPage = (core: Core, page: ReadonlyArray<DeadLetter>) =>
  Effect.forEach(
    apart(core.log, page, ({ id }) => partitionOfNumber(id)),
    (letters) => replayLetters(core, letters),
    { discard: true }
  )

const replayLetters = (core: Core, page: ReadonlyArray<DeadLetter>) => {
  const rows = page.map((letter): OwnRow => {
    const logLane = laneOfLetter(letter)
    return {
      id: core.numbers.ownRow(partitionOfLogLane(logLane)),
      incarnation: letter.incarnation,
      logLane,
      after: core.log.head(logLane),
      message: letter.message,
      attempts: 0,
      dueAt: 0,
      parked: undefined
    }
  })
  return core.log.commit(
    { deadLettersRemoved: page.map(({ id }) => id), ownRows: rows },
    () =>
      rows.forEach((row, at) => {
        const letter = page[at]
        const consumer = letter === undefined ? undefined : ownerOf(core, letter)
        if (consumer === undefined) return
        consumer.totals.letters.add(partitionOfLogLane(row.logLane), -1)
        admit(core, consumer, row)
      })
  )
}

const laneOfLetter = ({ message }: DeadLetter): number =>
  logLaneOf(partitionOfId(message.id), laneOf(message.priority))

/** Adds the delivery of an own row to what its subscription was given. */
export const admit = (core: Core, consumer: Consumer, row: OwnRow): void => {
  consumer.totals.replayed++
  place(core, fromRow(consumer, row))
}

/** Deletes dead letters; returns how many. */
export const remove = (
  core: Core,
  filter: DeadLetterFilter
): Effect.Effect<number, LogUnavailable | BusClosed> =>
  core.letters.withPermit(Effect.gen(function*() {
    yield* whenOpen(core)
    const counts = { removed: 0 }
    const removed = (letters: ReadonlyArray<DeadLetter>) =>
      core.log.commit({ deadLettersRemoved: letters.map(({ id }) => id) }, () => {
        counts.removed += letters.length
        letters.forEach((letter) => {
          const consumer = ownerOf(core, letter)
          consumer?.totals.letters.add(partitionOfNumber(letter.id), -1)
        })
      })
    yield* eachPage(core, filter, (page) =>
      Effect.forEach(
        apart(core.log, page, ({ id }) => partitionOfNumber(id)),
        removed,
        { discard: true }
      ))
    return counts.removed
  }))

/** Gives a dead letter another payload under a new message id of the same partition. */
export const edit = (
  core: Core,
  nextId: (now: number, partition: number) => MessageId,
  id: number,
  payload: string
): Effect.Effect<DeadLetter, DeadLetterUnknown | PayloadTooLarge | LogUnavailable | BusClosed> =>
  core.letters.withPermit(Effect.gen(function*() {
    yield* whenOpen(core)
    const sizeBytes = Buffer.byteLength(payload)
    if (sizeBytes > payloadBytesMax) {
      const limitBytes = payloadBytesMax
      return yield* new PayloadTooLarge({ field: "payload", sizeBytes, limitBytes })
    }
    const [letter] = yield* list(core, { ids: [id] }, 0, 1)
    if (letter === undefined) return yield* new DeadLetterUnknown({ id: String(id) })
    const { message } = letter
    const edited = {
      ...letter,
      message: {
        ...message,
        id: nextId(core.now(), partitionOfId(message.id)),
        payload,
        replayOf: message.id
      }
    }
    yield* core.log.commit({ deadLetters: [edited] })
    return edited
  }))
