/**
 * The hub: the open tails of a bus, and the ring they share.
 *
 * Routing pays one check while no tail is open. A burst of messages wakes each tail at most once,
 * and only those with a match in it: a thousand tails of other topics sleep on.
 */
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import type { FilterSpec } from "../../domain/Filter.ts"
import type { Message } from "../../domain/Message.ts"
import { logLaneCount } from "../../domain/Position.ts"
import type { TailsSnapshot } from "../../domain/Snapshot.ts"
import type { TopicPattern } from "../../domain/TopicPattern.ts"
import type { BroadcastMember } from "./BroadcastMember.ts"
import { burstOf, isTakenBy, type TailBurst, type Told } from "./TailBurst.ts"
import type { Follower, TailCursor } from "./TailCursor.ts"
import { TailLanes } from "./TailLanes.ts"
import { type RingEntry, TailRing, volatileLane } from "./TailRing.ts"
import { TailView, viewKey } from "./TailView.ts"

/** Most tails that read the log at once: each holds a batch meanwhile. */
export const tailReadsMax = 8

/** The tails of one bus. Mutable: told of every message while one is open. */
export class TailHub {
  readonly ring = new TailRing()
  /** Whether there is anybody to tell. */
  isOpen = false
  readonly cursors = new Set<TailCursor>()
  /** Broadcast handlers; the watchdog looks after them. */
  readonly members = new Set<BroadcastMember>()
  readonly reads = Semaphore.makeUnsafe(tailReadsMax)
  /** Names the log in positions. */
  logNumber: number | undefined = undefined
  /** Events and gaps handed out since the process started. */
  events = 0
  gaps = 0
  readonly lanes = new TailLanes()
  /** Goes on with who listens for other pods, once there is more for them. */
  readonly listening = new Set<() => void>()
  /** Those who want the ring, beside tails. */
  holds = 0
  private readonly views = new Map<string, TailView>()
  private parked = 0
  private isScheduled = false
  /** Up to where parked tails were told, in the ring and per lane. */
  private told = 0
  readonly toldVector = new Float64Array(logLaneCount)
  private readonly seen: Float64Array
  private readonly announced: Set<(message: Message) => void>
  readonly later: (task: () => void) => void
  private readonly now: () => number
  /** Replies are for who asked, not for tails. */
  private readonly hear = (message: Message): void => {
    if (!message.topic.startsWith("_reply.")) this.addVolatile(message)
  }

  /**
   * `seen` is how far routing got per lane, kept up to date by the router; `announced` are called
   * with every message that is in no log. `later` runs a task at the end of a turn of the loop, and
   * `now` is the time in Unix milliseconds.
   */
  constructor(
    seen: Float64Array,
    announced: Set<(message: Message) => void>,
    later: (task: () => void) => void,
    now: () => number
  ) {
    this.later = later
    this.now = now
    this.seen = seen
    this.announced = announced
  }

  /** Tells of a message that was just routed. */
  add(entry: RingEntry): void {
    this.lanes.heads[entry.logLane] = entry.offset + 1
    this.ring.push(entry)
    this.schedule()
  }

  /** The view of a pattern and a filter, for one more tail. */
  share(pattern: TopicPattern, filter: FilterSpec | undefined): TailView {
    const key = viewKey(pattern, filter)
    const view = this.views.get(key) ?? new TailView(pattern, filter, key, this.now())
    this.views.set(key, view)
    view.users++
    return view
  }

  /** Starts the ring before the first tail looks at it. */
  start(): void {
    if (this.isOpen) return
    this.isOpen = true
    this.announced.add(this.hear)
    this.lanes.lookAhead(this.seen)
    this.ring.start(this.lanes.heads)
  }

  /** Gives up the ring when nobody wants it any more. */
  stopUnused(): void {
    if (!this.isOpen || this.cursors.size > 0 || this.holds > 0) return
    this.isOpen = false
    this.announced.delete(this.hear)
    this.ring.stop()
  }

  /** Ends a tail; the last one takes the ring with it. */
  close(cursor: TailCursor): void {
    if (!this.cursors.delete(cursor)) return
    this.unpark(cursor)
    if (--cursor.view.users === 0) this.views.delete(cursor.view.key)
    this.stopUnused()
  }

  /** Ends the tails of a subscription that was deleted, or all of them: they get what is there. */
  end(why: "Deleted" | "Closed", incarnation?: number): void {
    for (const cursor of [...this.cursors]) {
      if (incarnation !== undefined && cursor.incarnation !== incarnation) continue
      cursor.ended ??= why
      const { resume } = cursor
      this.unpark(cursor)
      resume?.()
    }
  }

  /** Lets a tail sleep that has looked at everything, until something matches. */
  park(cursor: TailCursor, resume: () => void, follower?: Follower): void {
    if (this.parked === 0) this.markTold()
    cursor.resume = resume
    cursor.follower = follower
    cursor.view.parked.add(cursor)
    this.parked++
  }

  /** Wakes a tail up, where it would be had it looked at everything itself. */
  unpark(cursor: TailCursor): void {
    if (!cursor.view.parked.delete(cursor)) return
    this.parked--
    cursor.resume = undefined
    cursor.follower = undefined
    this.bring(cursor)
  }

  /** The position of a tail while it sleeps: then nothing that it gave is still under way. */
  restingPosition(cursor: TailCursor): string | undefined {
    if (cursor.resume === undefined) return undefined
    this.bring(cursor)
    return cursor.position()
  }

  /** Brings a tail that sleeps, or just did, up to what it was not woken for. */
  bring(cursor: TailCursor): void {
    if (this.told <= cursor.sequence) return
    cursor.sequence = this.told
    cursor.vector.set(this.toldVector)
  }

  /** The tails as the snapshot shows them. */
  snapshot(): TailsSnapshot {
    const reading = [...this.cursors].filter(({ isBehind }) => isBehind).length
    return { open: this.cursors.size, reading, events: this.events, gaps: this.gaps }
  }

  /** Views in use. */
  get viewCount(): number {
    return this.views.size
  }

  /** Tells of a message that is in no log here. */
  addVolatile(message: Message): void {
    const bytes = message.payload.length + (message.headers?.length ?? 0)
    this.ring.push({ message, bytes, logLane: volatileLane, offset: -1 })
    this.schedule()
  }

  /** Tells those who wait, soon. */
  schedule(): void {
    if (this.isScheduled || (this.parked === 0 && this.listening.size === 0)) return
    this.isScheduled = true
    // Deferred: a resumed fibre runs at once, and could publish inside the commit that woke it. To
    // the end of the turn, so that a thousand streams get what comes in it with one write each.
    this.later(() => this.flush())
  }

  private flush(): void {
    this.isScheduled = false
    const resumed: Array<() => void> = []
    const shared: Array<readonly [TailCursor, TailBurst]> = []
    for (const view of this.views.values()) {
      if (view.parked.size === 0) continue
      const last = view.lastMatch(this.ring, this.told)
      let burst: TailBurst | undefined // Made for the first tail that can have it.
      for (const cursor of [...view.parked]) {
        const { follower, resume } = cursor
        if (cursor.sequence > last || resume === undefined) continue
        if (follower !== undefined && this.isAtTold(cursor)) {
          burst ??= burstOf(this.ring, view, this.toldPlace, cursor.identity, this.now())
          if (isTakenBy(follower, burst)) {
            shared.push([cursor, burst])
            continue
          }
        }
        resumed.push(resume)
        this.unpark(cursor)
      }
    }
    this.markTold()
    for (const [cursor, burst] of shared) this.give(cursor, burst)
    resumed.forEach((resume) => resume())
    const listening = [...this.listening]
    this.listening.clear()
    listening.forEach((goOn) => goOn())
  }

  /** Whether a parked tail has seen what all were told of, no more and no less. */
  private isAtTold({ sequence }: TailCursor): boolean {
    return sequence <= this.told && this.told >= this.ring.first
  }

  private get toldPlace(): Told {
    return { sequence: this.told, vector: this.toldVector }
  }

  /** Gives a burst to a tail, which sleeps on: it stands where all were told of. */
  private give(cursor: TailCursor, { events }: TailBurst): void {
    const { follower } = cursor
    // One may have ended while others were given it; and all of it may have expired.
    if (follower === undefined || events.length === 0) return
    this.events += events.length
    const hasRoom = Result.try(() => follower.write(events))
    if (Result.isSuccess(hasRoom) && hasRoom.success) return
    this.unpark(cursor)
    if (Result.isSuccess(hasRoom)) follower.full()
    else follower.broke(hasRoom.failure)
  }

  private markTold(): void {
    this.told = this.ring.next
    for (let lane = 0; lane < logLaneCount; lane++) { // What was told of a lane that left stays.
      this.toldVector[lane] = Math.max(this.toldVector[lane] ?? 0, this.lanes.heads[lane] ?? 0)
    }
  }
}
