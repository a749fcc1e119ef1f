/**
 * Reading the body of a request of `Deno.serve`: never beyond its limit, nor all bodies beyond
 * theirs, nor longer than it may take. Wraps the driver's promises; runs for every request.
 */
import { type BodyBudget, charge } from "./BodyBudget.ts"
import { Refusal } from "./Refusal.ts"

/** A body of at most so many bytes is read by one call, which waits for all of it. */
const wholeMax = 65_536

/** A reading under way. */
export interface Reading {
  readonly startedAt: number
  readonly stop: (refusal: Refusal) => void
}

/** A body to be read; `declared` is its `Content-Length`, `startedAt` when its request came. */
export interface Wanted {
  readonly startedAt: number
  readonly request: Request
  readonly declared: string | undefined
  readonly bytesMax: number
  readonly budget: BodyBudget
}

/** Told of what was read, or why not; `undefined` when the client has gone. */
export type Read = (body: Uint8Array | Refusal | undefined) => void

/** Reads a body. A reading that has to wait is in `readings` meanwhile. */
export const readBody = (
  { budget, bytesMax, declared, request, startedAt }: Wanted,
  readings: Set<Reading>,
  done: Read
): void => {
  const state = { isDone: false, counted: 0 }
  const give: Read = (body) => {
    if (state.isDone) return
    state.isDone = true
    readings.delete(reading)
    budget.bytes -= state.counted
    done(body)
  }
  const reading: Reading = { startedAt, stop: give }
  readings.add(reading)
  // The server cuts off what is longer than it declares. Measured: to ask for the stream alone, or
  // whether there is one, costs as much as to read the body at once.
  if (declared !== undefined && Number(declared) <= wholeMax) {
    request.bytes().then(give, () => give(undefined))
  } else if (request.body === null) give(new Uint8Array())
  else {
    readPieces(request.body, bytesMax, (bytes) => {
      state.counted += bytes
      return state.isDone ? stopped : charge(budget, bytes)
    }).then(give, () => give(undefined))
  }
}

/** Nobody waits any more. */
const stopped = Refusal.EdgeClosing()

const readPieces = async ( // Readers of streams give promises.
  body: ReadableStream<Uint8Array>,
  bytesMax: number,
  count: (bytes: number) => Refusal | undefined
): Promise<Uint8Array | Refusal> => {
  const chunks: Array<Uint8Array> = []
  const reader = body.getReader()
  let size = 0 // A sum over the pieces, as they come.
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return Buffer.concat(chunks)
    size += value.length
    if (size > bytesMax) return Refusal.BodyTooLarge({ limitBytes: bytesMax })
    const refused = count(value.length)
    if (refused !== undefined) return refused
    chunks.push(value)
  }
}
