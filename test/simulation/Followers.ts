/**
 * Followers of a simulated bus: each looks through a tail, is cut off, and resumes where it was.
 */
import { Effect, Exit, Scope } from "effect"
import type { FilterSpec } from "../../src/domain/Filter.ts"
import { positionEvery, type Tail, type TailEvent } from "../../src/services/Tails.ts"
import { options } from "../layers/bus/Drafts.ts"
import { call } from "./Calls.ts"
import { isWanted } from "./Known.ts"
import type { FollowAction } from "./MoreActions.ts"
import type { Run } from "./Run.ts"

/** Who looks, over all processes. */
interface Follower {
  readonly topic: string
  readonly filter: FilterSpec | undefined
  /** From which offsets on it may, and surely must, see messages; 0 where none stands. */
  readonly least: ReadonlyMap<number, number>
  readonly sure: ReadonlyMap<number, number>
  readonly seen: Set<string>
  position: string
  hasGap: boolean
  opening: Opening | undefined
}

/** One tail of it. */
interface Opening {
  readonly tail: Tail
  readonly scope: Scope.Closeable
  readonly last: Map<number, number>
  repeats: number
  isReading: boolean
}

/** The followers of one run. */
export class Followers {
  private readonly run: Run
  private readonly all = new Map<number, Follower>()
  private readonly opening = new Set<number>()
  /** Events of all tails. */
  private heard = 0

  constructor(run: Run) {
    this.run = run
  }

  /** Another process runs: every tail was cut off. */
  restarted(): void {
    this.opening.clear()
    for (const follower of this.all.values()) follower.opening = undefined
  }

  /** Starts or resumes to follow, reads what there is, or stops. */
  perform(action: FollowAction): void {
    const { who } = action
    const opened = this.all.get(who)?.opening
    if (action.kind === "follow") {
      if (opened === undefined && !this.opening.has(who)) this.open(action)
    } else if (opened === undefined) return
    else if (action.kind === "unfollow") this.close(who)
    else this.read(who, action.count)
  }

  /** Everybody sees what is left, and stops. */
  async finish(): Promise<void> {
    const { run } = this
    for (const [who, { filter, topic }] of this.all) {
      this.perform({ kind: "follow", who, topic, filter, from: "now", isAnew: false })
      await run.world.advance(60)
      for (let quiet = 0; quiet < 3;) {
        const before = this.heard
        this.read(who, 250)
        await run.world.advance(50)
        quiet = this.heard === before ? quiet + 1 : 0
      }
      this.checkAll(who)
      this.close(who)
    }
    await run.world.advance(100)
  }

  private open(action: Extract<FollowAction, { readonly kind: "follow" }>): void {
    const { run } = this
    const { who } = action
    const before = run.log.heads
    const former = action.isAnew ? undefined : this.all.get(who)
    const { filter, topic } = former ?? action
    const from = former === undefined ? action.from : { position: former.position }
    const scope = Scope.makeUnsafe()
    const pattern = options(topic).topic
    const opening = run.node.bus.tails.open({ of: { pattern, filter }, from })
    this.opening.add(who)
    const { process } = run.node
    const done = Effect.sync(() => process.alive && this.opening.delete(who))
    call(run, "tails", Effect.ensuring(Scope.provide(opening, scope), done), (tail) => {
      if (run.node.process !== process) return
      run.saw(former === undefined ? `follows from ${action.from}` : "follows again")
      const isEarliest = action.from === "earliest"
      const follower: Follower = former ?? {
        topic,
        filter,
        least: isEarliest ? new Map() : before,
        sure: isEarliest && run.kind === "BlockLog" ? firstsOf(run) : run.log.heads,
        seen: new Set(),
        position: "",
        hasGap: false,
        opening: undefined
      }
      follower.position = tail.position()
      follower.opening = { tail, scope, last: new Map(), repeats: 0, isReading: false }
      this.all.set(who, follower)
    })
  }

  private close(who: number): void {
    const follower = this.all.get(who)
    const { opening } = follower ?? {}
    if (follower === undefined || opening === undefined) return
    // Even numbers keep the exact place, odd ones that of the last event which had one.
    if (who % 2 === 0) follower.position = opening.tail.position()
    follower.opening = undefined
    this.run.saw("unfollowed")
    this.run.node.process.fork(Scope.close(opening.scope, Exit.void))
  }

  private read(who: number, countMax: number): void {
    const { run } = this
    const follower = this.all.get(who)
    const { opening } = follower ?? {}
    if (follower === undefined || opening === undefined || opening.isReading) return
    opening.isReading = true
    const hear = (event: TailEvent): void => {
      if (follower.opening === opening) this.hear(follower, opening, event)
    }
    const reading = Effect.ensuring(
      who % 3 === 0
        ? pushed(opening.tail, countMax, hear)
        : opening.tail.next({ countMax, waitMs: 20 }),
      Effect.sync(() => opening.isReading = false)
    )
    call(run, "tails", reading, (events) => {
      if (events.length > countMax) run.breach(3, `${events.length} events instead of ${countMax}`)
      events.forEach(hear) // What it did not hear of counts as unseen.
    })
  }

  private hear(follower: Follower, opening: Opening, event: TailEvent): void {
    const { run } = this
    this.heard++
    if (event.position !== undefined) follower.position = event.position
    if (event._tag === "Gap") {
      run.saw(`gap: ${event.reason}`)
      follower.hasGap = true
      if (run.kind === "BlockLog" && event.reason !== "Retention") {
        run.breach(1, `a gap in a log that keeps everything: ${event.reason}`)
      }
      return
    }
    const { id, payload } = event.message
    const entry = run.log.stored.get(id)
    if (entry === undefined) return run.breach(9, `a tail shows ${payload}, which is not stored`)
    const { logLane, offset } = entry
    run.saw("tail shows", payload)
    if (!isWanted(follower, entry.message) || offset < (follower.least.get(logLane) ?? 0)) {
      run.breach(1, `a tail of ${follower.topic} shows ${payload} of ${entry.message.topic}`)
    }
    if (offset <= (opening.last.get(logLane) ?? -1)) run.breach(2, `${payload} is out of order`)
    opening.last.set(logLane, offset)
    if (follower.seen.has(id) && ++opening.repeats > positionEvery) {
      run.breach(1, `a resumed tail repeats more than ${positionEvery}: ${payload}`)
    }
    follower.seen.add(id)
  }

  private checkAll(who: number): void {
    const follower = this.all.get(who)
    if (follower?.opening === undefined || follower.hasGap) return
    for (const { logLane, message, offset } of this.run.log.stored.values()) {
      if (offset < (follower.sure.get(logLane) ?? 0) || follower.seen.has(message.id)) continue
      const isExpired = (message.expiresAt ?? Infinity) <= this.run.world.now
      if (!isExpired && isWanted(follower, message)) {
        return this.run.breach(1, `a tail of ${follower.topic} never shows ${message.payload}`)
      }
    }
    this.run.saw("tail saw everything")
  }
}

/** Reads by following, one event at a time, until there are enough or 20 ms have passed. */
const pushed = (tail: Tail, countMax: number, hear: (event: TailEvent) => void) => {
  const left = { count: countMax }
  const following = tail.follow({ countMax: 1, bytesMax: 1_024 }, (events) => {
    events.forEach(hear)
    left.count -= events.length
    return left.count > 0
  })
  return Effect.as(Effect.timeoutOption(following, 20), noEvents)
}

const noEvents: ReadonlyArray<TailEvent> = []

/** The first retained offset of each lane: what came before may have been deleted. */
const firstsOf = ({ node: { core } }: Run): ReadonlyMap<number, number> =>
  new Map(Array.from(core.seen, (_, logLane) => [logLane, core.log.first(logLane)]))
