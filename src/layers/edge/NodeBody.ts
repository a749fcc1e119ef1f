/**
 * Reading the body of a `node:http` request: never beyond its limit, nor all bodies beyond theirs.
 * Wraps the driver's events; hot, as it runs for every request.
 */
import type { IncomingMessage } from "node:http"
import { type BodyBudget, charge } from "./BodyBudget.ts"
import { Refusal } from "./Refusal.ts"

/**
 * Calls `done` once: with the bytes, or with a refusal as soon as there are more than `bytesMax`
 * or than the budget allows (reading has stopped then). A client that goes away gets no call.
 *
 * Events instead of an effect, because nearly every body is one chunk.
 */
export const readBody = (
  request: IncomingMessage,
  bytesMax: number,
  budget: BodyBudget,
  done: (body: Uint8Array | Refusal) => void
): void => {
  const chunks: Array<Uint8Array> = []
  let size = 0
  let counted = 0
  const onEnd = () => done(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks))
  const stop = (refusal: Refusal) => {
    request.off("data", onData)
    request.off("end", onEnd)
    request.pause()
    chunks.length = 0
    done(refusal)
  }
  const onData = (chunk: Uint8Array) => {
    size += chunk.length
    if (size > bytesMax) return stop(Refusal.BodyTooLarge({ limitBytes: bytesMax }))
    chunks.push(chunk)
    if (chunks.length === 1) return // What one read brings is bounded by the connections' limit.
    if (chunks.length === 2) {
      request.once("close", () => {
        budget.bytes -= counted
      })
    }
    counted += chunk.length
    const busy = charge(budget, chunk.length)
    if (busy !== undefined) stop(busy)
  }
  request.on("data", onData)
  request.on("end", onEnd)
}
