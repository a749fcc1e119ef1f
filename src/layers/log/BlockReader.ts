/**
 * Reading the block log: the wanted entries of a lane, how many there are, or the entry of an id.
 *
 * Ids do not ascend within a lane: a delayed message comes late, with the id it was accepted under.
 * So an entry is looked for in every block whose range of id times holds the id's.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { millisOfId, partitionOfId } from "../../domain/MessageId.ts"
import { partitionOfLogLane } from "../../domain/Position.ts"
import type {
  CountRequest,
  LogEntry,
  LogUnavailable,
  Scanned,
  ScanRequest
} from "../../services/MessageLog.ts"
import type { CachedBlock } from "./BlockCache.ts"
import { BlockHeader, type StoredBlock } from "./BlockCodec.ts"
import type { BlockIndex } from "./BlockIndex.ts"
import type { Place } from "./Directory.ts"
import type { LogStore } from "./LogStore.ts"

/** Directory entries looked at before other fibers get their turn: about 1 ms. */
const sliceLength = 65_536

/** Reads from `store` what `index` knows. */
export const make = (store: LogStore["Service"], index: BlockIndex) => {
  const scan = (request: ScanRequest): Effect.Effect<Scanned, LogUnavailable> =>
    Effect.gen(function*() {
      const selected = yield* select(index, request)
      const entries = yield* readPlaces(store, index, selected.places)
      const first = index.directory.first(request.logLane) // What was deleted meanwhile is gone.
      const unread = selected.places.filter(({ offset }, at) =>
        entries[at] === undefined && offset >= first
      )
      return {
        entries: entries.filter((entry) => entry !== undefined),
        next: selected.next,
        damaged: [...selected.damaged, ...unread.map(({ offset }) => offset)].toSorted(ascending)
      }
    })

  const find = (id: string): Effect.Effect<Option.Option<LogEntry>, LogUnavailable> =>
    Effect.gen(function*() {
      for (const seq of index.times.around(millisOfId(id))) {
        const block = index.cache.get(seq) ?? (yield* readBlock(store, index, seq))
        const entry = block === undefined ? undefined : findIn(block, id)
        if (entry !== undefined) return Option.some(entry)
      }
      return Option.none()
    })

  const count = Effect.fnUntraced(function*({ from, logLane, to, wants }: CountRequest) {
    const end = Math.min(to, index.head(logLane))
    let counted = 0 // A sum over slices.
    for (
      let at = Math.max(from, index.directory.first(logLane));
      at < end;
      at += sliceLength
    ) { // Slices, as above.
      counted += index.directory.count(logLane, at, Math.min(end, at + sliceLength), wants)
      if (at + sliceLength < end) yield* Effect.yieldNow
    }
    return counted
  })

  return { scan, find, count }
}

const ascending = (a: number, b: number): number => a - b

/** Which entries a scan returns, found slice by slice in the directory alone. */
const select = Effect.fnUntraced(function*(index: BlockIndex, request: ScanRequest) {
  const places: Array<Place> = []
  const damaged: Array<number> = []
  let from = request.from // A cursor over the slices.
  let bytes = request.bytesMax
  while (true) {
    const part = index.directory.select({
      logLane: request.logLane,
      from,
      to: from + sliceLength,
      count: Math.max(1, request.countMax) - places.length,
      bytes,
      atLeastOne: places.length === 0,
      wants: request.wants
    })
    places.push(...part.places)
    damaged.push(...part.damaged)
    if (part.full || part.next >= index.head(request.logLane)) {
      return { places, damaged, next: part.next }
    }
    from = part.next
    bytes -= part.bytes
    yield* Effect.yieldNow
  }
})

/** The entries at these places, in their order; `undefined` where one is damaged. */
const readPlaces = Effect.fnUntraced(function*(
  store: LogStore["Service"],
  index: BlockIndex,
  places: ReadonlyArray<Place>
) {
  const entries = new Array<LogEntry | undefined>(places.length)
  const byBlock = Map.groupBy(places.keys(), (at) => places[at]?.block ?? 0)
  const decode = (seq: number, { bodies, header }: CachedBlock): void =>
    byBlock.get(seq)?.forEach((at) => {
      entries[at] = header?.entry(places[at]?.index ?? 0, bodies)
    })
  const missing = [...byBlock.keys()].filter((seq) => {
    const cached = index.cache.get(seq)
    if (cached !== undefined) decode(seq, cached)
    return cached === undefined
  })
  let done = 0 // Blocks come in groups, so that a scan over large blocks holds few of them.
  while (done < missing.length) {
    const { blocks, count } = yield* store.readBlocks(missing.slice(done))
    for (const block of blocks) decode(block.seq, keep(index, block))
    done += count
  }
  return entries
})

const readBlock = (store: LogStore["Service"], index: BlockIndex, seq: number) =>
  Effect.map(
    store.readBlocks([seq]),
    ({ blocks: [block] }) => block === undefined ? undefined : keep(index, block)
  )

const keep = (index: BlockIndex, block: StoredBlock): CachedBlock =>
  index.cache.add(block, BlockHeader.read(block.header))

const findIn = ({ bodies, header }: CachedBlock, id: string): LogEntry | undefined => {
  const partition = partitionOfId(id)
  for (let at = 0; at < (header?.entries ?? 0); at++) { // No array of all entries for one of them.
    if (partitionOfLogLane(header?.logLane(at) ?? -1) !== partition) continue
    const entry = header?.entry(at, bodies)
    if (entry?.message.id === id) return entry
  }
  return undefined
}
