/**
 * What a simulated disk holds durably, and how a change turns it into the next state.
 */
import type { DeadLetter } from "../../src/domain/DeadLetter.ts"
import { millisOfId } from "../../src/domain/MessageId.ts"
import type { Subscription } from "../../src/domain/Subscription.ts"
import type { StoredBlock } from "../../src/layers/log/BlockCodec.ts"
import type { LaneBounds, Truncation } from "../../src/layers/log/LogStore.ts"
import type {
  Changes,
  Claim,
  Cursor,
  Delayed,
  LeaseKept,
  OwnRow
} from "../../src/services/MessageLog.ts"

/** All that is durable. Never changed, but replaced. */
export interface Synced {
  readonly epoch: number
  readonly clean: boolean
  readonly next: { readonly incarnation: number; readonly letter: number; readonly row: number }
  readonly blocks: ReadonlyMap<number, StoredBlock>
  readonly subscriptions: ReadonlyMap<number, Subscription>
  readonly cursors: ReadonlyMap<string, Cursor>
  readonly ownRows: ReadonlyMap<number, OwnRow>
  readonly letters: ReadonlyMap<number, DeadLetter>
  readonly delayed: ReadonlyMap<string, Delayed>
  readonly leases: ReadonlyArray<LeaseKept>
  /** Claims of deleted blocks, by message id. */
  readonly claims: ReadonlyMap<string, Claim>
  readonly bounds: LaneBounds | undefined
}

/** A disk on which nothing was ever written. */
export const empty: Synced = {
  epoch: 0,
  clean: true,
  next: { incarnation: 1, letter: 1, row: 1 },
  blocks: new Map(),
  subscriptions: new Map(),
  cursors: new Map(),
  ownRows: new Map(),
  letters: new Map(),
  delayed: new Map(),
  leases: [],
  claims: new Map(),
  bounds: undefined
}

/** What is durable once the blocks below one are deleted. */
export const applyTruncation = (
  synced: Synced,
  { below, bounds, claims, claimsMax, claimsSince }: Truncation
): Synced => {
  const aside = new Map([...synced.claims, ...claims.map((claim) => [claim.id, claim] as const)])
  return {
    ...synced,
    blocks: new Map([...synced.blocks].filter(([seq]) => seq >= below)),
    claims: new Map(
      [...aside].filter(([, { acceptedAt }]) => acceptedAt >= claimsSince)
        .toSorted(([, a], [, b]) => a.acceptedAt - b.acceptedAt).slice(-claimsMax)
    ),
    bounds
  }
}

/** What is durable once a change is committed. */
export const applyChanges = (synced: Synced, changes: Changes): Synced => {
  const gone = new Set(changes.subscriptionsRemoved)
  const isKept = (incarnation: number): boolean => !gone.has(incarnation)
  const laneOf = (cursor: Cursor): string => `${cursor.incarnation}/${cursor.logLane}`
  const next = (from: number, used: ReadonlyArray<number>): number =>
    Math.max(from, ...used.map((id) => id + 1))
  return {
    ...synced,
    next: {
      incarnation: next(
        synced.next.incarnation,
        (changes.subscriptions ?? []).map(({ incarnation }) => incarnation)
      ),
      letter: next(synced.next.letter, (changes.deadLetters ?? []).map(({ id }) => id)),
      row: next(synced.next.row, (changes.ownRows ?? []).map(({ id }) => id))
    },
    subscriptions: update(
      synced.subscriptions,
      changes.subscriptions,
      (s) => s.incarnation,
      isKept
    ),
    cursors: update(synced.cursors, changes.cursors, laneOf, isKept),
    ownRows: update(
      synced.ownRows,
      changes.ownRows,
      ({ id }) => id,
      isKept,
      changes.ownRowsRemoved
    ),
    letters: update(
      synced.letters,
      changes.deadLetters,
      ({ id }) => id,
      isKept,
      changes.deadLettersRemoved
    ),
    delayed: changeDelayed(synced.delayed, changes),
    leases: changes.leases ?? synced.leases
  }
}

const changeDelayed = (
  rows: ReadonlyMap<string, Delayed>,
  { delayed, delayedRemoved }: Changes
): ReadonlyMap<string, Delayed> => {
  if (delayed === undefined && delayedRemoved === undefined) return rows
  const all = new Map([...rows, ...(delayed ?? []).map((row) => [row.id, row] as const)])
  for (const id of delayedRemoved ?? []) all.delete(id)
  return all
}

const update = <K, A extends { readonly incarnation: number }>(
  rows: ReadonlyMap<K, A>,
  put: ReadonlyArray<A> | undefined,
  keyOf: (row: A) => K,
  isKept: (incarnation: number) => boolean,
  removed: ReadonlyArray<K> = []
): ReadonlyMap<K, A> => {
  const all = new Map([...rows, ...(put ?? []).map((row) => [keyOf(row), row] as const)])
  for (const key of removed) all.delete(key)
  return new Map([...all].filter(([, row]) => isKept(row.incarnation)))
}

/** Bytes of the blocks. */
export const sizeOf = ({ blocks }: Synced): number =>
  [...blocks.values()].reduce((sum, { bodies, header }) => sum + header.length + bodies.length, 0)

/** What a store finds of delayed messages, leases and bounds. */
export const recoveredBeside = ({ bounds, delayed, leases }: Synced) => ({
  bounds,
  leases,
  delayedCount: delayed.size,
  delayedBytes: [...delayed.values()].reduce((sum, { bytes }) => sum + bytes, 0),
  idMillisMax: Math.max(0, ...[...delayed.keys()].map(millisOfId))
})
