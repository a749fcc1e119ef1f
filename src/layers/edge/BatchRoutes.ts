/**
 * Publishing many messages: a JSON array or NDJSON in, one result per message out, in order.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Draft } from "../../domain/Message.ts"
import type { Accepted, MessageBus } from "../../services/MessageBus.ts"
import { problemBody, problemReply } from "./Answer.ts"
import type { Answerable } from "./Answerable.ts"
import { type Spans, splitArray, splitLines } from "./BatchSplitting.ts"
import { decodeDraft, itemEnvelope } from "./DraftDecoding.ts"
import { edgeLimits } from "./EdgeLimits.ts"
import { topicRefused } from "./Permission.ts"
import { batchRefused, problemOf } from "./Problem.ts"
import type { Problem } from "./ProblemRows.ts"
import { Refusal } from "./Refusal.ts"
import { textOf } from "./Unicode.ts"
import { type Caller, jsonText, jsonType, type Reply, type Request, type Route } from "./Web.ts"

/** The content type of newline-delimited JSON. */
export const ndjsonType = "application/x-ndjson"

/** Messages read before other requests get their turn: about a millisecond of work. */
export const decodeChunk = 500

/** One item: a draft, later its acceptance, or why not. */
type Item<A> = Result.Result<A, Answerable>

/** `POST /v1/messages`. */
export const batchRoutes = (bus: MessageBus["Service"]): ReadonlyArray<Route> => [{
  method: "POST",
  pattern: "/v1/messages",
  access: "publish",
  body: { contentTypes: [jsonType, ndjsonType], bytesMax: edgeLimits.batchBytesMax },
  waits: false,
  handle: Effect.fnUntraced(function*(request: Request) {
    const isLines = request.head.header("content-type")?.toLowerCase().startsWith(ndjsonType)
    const split = isLines === true ? splitLines : splitArray
    const spans = yield* Effect.fromResult(split(request.body))
    if (spans.length === 0) return yield* Effect.fail(Refusal.BatchEmpty())
    const items = yield* decodeAll(request, spans, isLines === true)
    const results = yield* bus.publishMany(
      items.flatMap((item) => Result.isSuccess(item) ? [item.success] : [])
    )
    return reply(merge(items, results))
  })
}]

/** Reads the items chunk by chunk; in an array one that is no JSON spoils the whole. */
const decodeAll = Effect.fnUntraced(function*(
  { body, caller }: Request,
  spans: Spans,
  isLines: boolean
) {
  const items: Array<Item<Draft>> = []
  for (let at = 0; at < spans.length; at += 2) { // Measured hot loop: runs for every message.
    const item = permitted(caller, decodeItem(body.subarray(spans[at], spans[at + 1])))
    if (!isLines && Result.isFailure(item) && spoils(item.failure)) {
      return yield* Effect.fail(item.failure)
    }
    items.push(item)
    if (items.length % decodeChunk === 0) yield* Effect.yieldNow
  }
  return items
})

const decodeItem = (bytes: Uint8Array): Item<Draft> => {
  const text = textOf(bytes)
  return Result.isFailure(text)
    ? Result.fail(text.failure)
    : decodeDraft(text.success, text.success.length === bytes.length, itemEnvelope)
}

/** The item, unless the caller may not publish to its topic. */
const permitted = (caller: Caller, item: Item<Draft>): Item<Draft> => {
  if (caller.grant === undefined || Result.isFailure(item)) return item
  const refused = topicRefused(caller, "publish", item.success.topic)
  return refused === undefined ? item : Result.fail(refused)
}

const spoils = (error: Answerable) => error._tag === "BodyMalformed" && error.kind !== "NotObject"

/** Puts the bus's results, which stand in the order of the drafts, among the refused items. */
const merge = (
  items: ReadonlyArray<Item<Draft>>,
  results: ReadonlyArray<Item<Accepted>>
): ReadonlyArray<Item<Accepted>> => {
  const published = results.values()
  return items.map((item) =>
    Result.isFailure(item) ? Result.fail(item.failure) : published.next().value ?? unanswered
  )
}

const unanswered = Result.fail(Refusal.EdgeClosing())

const acceptedItem = ({ duplicate, durability, id, shard }: Accepted): string =>
  `{"id":"${id}","shard":${shard},"durability":"${durability}","duplicate":${duplicate}}`

const reply = (results: ReadonlyArray<Item<Accepted>>): Reply => {
  const problems: Array<Problem> = []
  const texts = results.map((result) => {
    if (Result.isSuccess(result)) return acceptedItem(result.success)
    const problem = problemOf(result.failure)
    problems.push(problem)
    return `{"error":${JSON.stringify(problemBody(problem))}}`
  })
  const accepted = results.length - problems.length
  if (accepted === 0) return allRefused(problems)
  return jsonText(
    problems.length === 0 ? 202 : 207,
    `{"accepted":${accepted},"refused":${problems.length},"results":[${texts.join(",")}]}`
  )
}

/** The status of all: the most frequent one, among equally frequent ones the first to occur. */
const allRefused = (problems: ReadonlyArray<Problem>): Reply => {
  const counts = new Map<number, number>()
  for (const { status } of problems) counts.set(status, (counts.get(status) ?? 0) + 1)
  const most = Math.max(...counts.values())
  const status = problems.find((problem) => counts.get(problem.status) === most)?.status ?? 400
  const retrySeconds = problems.reduce(
    (longest, problem) => Math.max(longest, Number(problem.headers["retry-after"] ?? 0)),
    0
  )
  const detail = `none of ${problems.length} messages was accepted; see results`
  return problemReply(batchRefused(status, detail, retrySeconds), {
    accepted: 0,
    refused: problems.length,
    results: problems.map((problem) => ({ error: problemBody(problem) }))
  })
}
