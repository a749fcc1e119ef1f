/**
 * The store's thread: SQLite waits for the disk here, so that the main thread never does.
 *
 * Requests are served one by one, in order. It imports little, to start fast.
 */
import { parentPort, workerData } from "node:worker_threads"
import { type Failure, reasonOf } from "../../drivers/sqlite/Failure.ts"
import { Database, Refused } from "./Database.ts"
import { fromPost, toPost } from "./Posting.ts"
import type { Reply, Request } from "./Protocol.ts"

/** What a reply hands over instead of copying it. */
const transferred = (body: unknown): Array<ArrayBuffer> => {
  const views = typeof body !== "object" || body === null
    ? []
    : "block" in body && isBlock(body.block)
    ? [body.block.header, body.block.bodies]
    : "blocks" in body && Array.isArray(body.blocks)
    ? body.blocks.filter(isBlock).flatMap(({ bodies, header }) => [header, bodies])
    : []
  return [...new Set(views.map(({ buffer }) => buffer))].filter((buffer) =>
    buffer instanceof ArrayBuffer
  )
}

const isBlock = (
  value: unknown
): value is { readonly header: Uint8Array; readonly bodies: Uint8Array } =>
  typeof value === "object" && value !== null && "bodies" in value

const failureOf = (thrown: unknown): Failure =>
  thrown instanceof Refused ? thrown.failure : reasonOf(thrown)

const database = new Database(workerData)

const run = (request: Request): Reply => {
  try { // The one place where what SQLite throws becomes a value.
    return { ok: true, body: serve(request) }
  } catch (thrown) {
    return { ok: false, failure: failureOf(thrown) }
  }
}

const serve = (request: Request) => {
  switch (request.name) {
    case "open":
      return database.open()
    case "begin":
      return database.begin(request.body)
    case "transact":
      return database.transact(request.body)
    case "headers":
      return database.headers(request.body)
    case "readBlocks":
      return database.readBlocks(request.body)
    case "deadLetters":
      return database.deadLetters(request.body)
    case "delayed":
      return database.delayed(request.body)
    case "findDelayed":
      return database.findDelayed(request.body)
    case "rowClaims":
      return database.rowClaims(request.body)
    case "truncate":
      return database.truncate(request.body)
    case "close":
      return database.close()
  }
}

/** What `toPost` made of a request, as it was. */
const received = (request: Request): Request =>
  ({ ...request, body: fromPost(request.body) }) as Request // It changes no body but back.

parentPort?.on("message", (request: Request) => {
  const reply = run(received(request))
  const posted = reply.ok ? { ok: true, body: toPost(reply.body) } : reply
  parentPort?.postMessage(posted, reply.ok ? transferred(reply.body) : [])
  if (request.name === "close") parentPort?.close()
})
