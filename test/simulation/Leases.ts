/**
 * The leases that consumers of a simulated bus believe they hold.
 */

/** One hand-out to a consumer. */
export interface Lease {
  readonly ackId: string
  readonly name: string
  readonly incarnation: number
  readonly messageId: string
  readonly attempt: number
  /** What order it keeps here, and in which lane. */
  readonly order: string | undefined
  readonly lane: number
  /** The pull and the process that handed it out. */
  readonly pull: number
  readonly process: number
  until: number
  isVoid: boolean
}

/** Leases by what order they keep. */
export class Leases {
  /** Every lease whose settlement was not confirmed, the newest last, stale ones included. */
  readonly known: Array<Lease> = []
  private readonly live = new Set<Lease>()

  /** What may still be running at `now`: an expired lease voids what was behind it in its run. */
  running(now: number, isMeant: (lease: Lease) => boolean): ReadonlyArray<Lease> {
    for (const lease of this.live) if (lease.until <= now) this.endRun(lease)
    return [...this.live].filter(isMeant)
  }

  /** Whether a lease is surely valid. */
  isLive(lease: Lease, now: number): boolean {
    return this.running(now, (other) => other === lease).length > 0
  }

  /** A consumer was told of a lease. */
  add(lease: Lease): void {
    this.known.push(lease)
    this.live.add(lease)
    if (this.known.length > 200) this.known.shift()
  }

  /** It was settled: nobody uses it again. */
  forget(lease: Lease): void {
    this.live.delete(lease)
    const at = this.known.indexOf(lease)
    if (at >= 0) this.known.splice(at, 1)
  }

  /** It failed, and so did what was handed out behind it. */
  endRun(lease: Lease): void {
    let isBehind = false
    for (const other of [...this.live]) {
      isBehind ||= other === lease
      const isSameRun = other.pull === lease.pull && other.order === lease.order &&
        other.lane === lease.lane && lease.order !== undefined
      if (other !== lease && !(isBehind && isSameRun)) continue
      other.isVoid = true
      this.live.delete(other)
    }
  }

  /** They end without a failure: settled, or void because the subscription changed hands. */
  end(isMeant: (lease: Lease) => boolean): void {
    for (const lease of [...this.live]) if (isMeant(lease)) this.live.delete(lease)
  }
}
