/**
 * Random numbers that a seed decides, as independent streams.
 */
import { hash32 } from "../../src/domain/Position.ts"

/** Draws from one stream. */
export interface SeededRandom {
  /** 0 to 1, exclusive. */
  readonly next: () => number
  /** A whole number from `from` to `to`, both inclusive. */
  readonly between: (from: number, to: number) => number
  /** Whether something of this probability happens. */
  readonly chance: (probability: number) => boolean
  readonly pick: <A>(items: readonly [A, ...ReadonlyArray<A>]) => A
}

/** The stream `name` of a seed (mulberry32). */
export const seededRandom = (seed: number, name: string): SeededRandom => {
  let state = hash32(`${seed}/${name}`)
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    const first = Math.imul(state ^ (state >>> 15), state | 1)
    const second = first ^ (first + Math.imul(first ^ (first >>> 7), first | 61))
    return ((second ^ (second >>> 14)) >>> 0) / 0x1_0000_0000
  }
  return {
    next,
    between: (from, to) => from + Math.floor(next() * (to - from + 1)),
    chance: (probability) => next() < probability,
    pick: (items) => items[Math.floor(next() * items.length)] ?? items[0]
  }
}
