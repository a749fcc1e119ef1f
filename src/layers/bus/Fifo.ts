/**
 * A first-in first-out queue in one reused circular array.
 *
 * Measured beside linked queues (effect4 notes, "Two priorities in one shard"): no allocation per
 * item, so that long queues do not turn into garbage collection pauses. It grows by doubling; the
 * owners bound it by counting slots before they push.
 */
export class Fifo<A> {
  private items: Array<A | undefined> = [undefined, undefined, undefined, undefined]
  private mask = 3
  private start = 0
  /** How many items wait. */
  length = 0

  /** Appends at the tail. */
  push(item: A): void {
    if (this.length > this.mask) this.grow()
    this.items[(this.start + this.length++) & this.mask] = item
  }

  /** Puts back at the front. */
  unshift(item: A): void {
    if (this.length > this.mask) this.grow()
    this.start = (this.start - 1) & this.mask
    this.items[this.start] = item
    this.length++
  }

  /** Takes from the front; `undefined` when empty. */
  shift(): A | undefined {
    if (this.length === 0) return undefined
    const item = this.items[this.start]
    this.items[this.start] = undefined
    this.start = (this.start + 1) & this.mask
    this.length--
    return item
  }

  /** The item `index` places from the front. */
  at(index: number): A | undefined {
    return index < this.length ? this.items[(this.start + index) & this.mask] : undefined
  }

  /** Takes everything, in order. */
  takeAll(): Array<A> {
    const items: Array<A> = []
    // In order until nothing is left.
    for (let item = this.shift(); item !== undefined; item = this.shift()) items.push(item)
    this.clear()
    return items
  }

  /** Puts another item in the place of one that waits. */
  replace(index: number, item: A): void {
    if (index < this.length) this.items[(this.start + index) & this.mask] = item
  }

  /** Forgets everything and returns to the smallest size. */
  clear(): void {
    this.items = [undefined, undefined, undefined, undefined]
    this.mask = 3
    this.start = 0
    this.length = 0
  }

  private grow(): void {
    const capacity = (this.mask + 1) * 2
    const next = new Array<A | undefined>(capacity)
    // Hot: no closure per item.
    for (let index = 0; index < this.length; index++) next[index] = this.at(index)
    this.items = next
    this.mask = capacity - 1
    this.start = 0
  }
}
