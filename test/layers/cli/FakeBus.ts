/** A tiny HTTP server that answers as it is told and remembers what it was asked. */
import { Effect } from "effect"
import { createServer } from "node:http"

/** One request as it arrived. */
export interface Asked {
  readonly method: string
  readonly path: string
  readonly contentType: string | undefined
  readonly body: string
}

/** Status and body of an answer; a text is sent as it is. */
export type Answer = readonly [status: number, body?: unknown]

/** A running fake; it closes with the scope. */
export const fakeBus = (answer: (asked: Asked) => Answer) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly url: string; readonly asked: Array<Asked>; close: () => void }>(
      (resume) => {
        const asked: Array<Asked> = []
        const server = createServer((request, response) => {
          const chunks: Array<Buffer> = []
          request.on("data", (chunk) => chunks.push(chunk))
          request.on("end", () => {
            const one = {
              method: request.method ?? "",
              path: request.url ?? "",
              contentType: request.headers["content-type"],
              body: Buffer.concat(chunks).toString()
            }
            asked.push(one)
            const [status, body] = answer(one)
            response.writeHead(status, { "content-type": "application/json" })
            response.end(
              body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body)
            )
          })
        })
        server.listen(0, "127.0.0.1", () => {
          const address = server.address()
          const port = typeof address === "object" && address !== null ? address.port : 0
          const close = () => {
            server.close()
            server.closeAllConnections()
          }
          resume(Effect.succeed({ url: `http://127.0.0.1:${port}`, asked, close }))
        })
      }
    ),
    ({ close }) => Effect.sync(close)
  )

/** A problem document. */
export const problem = (status: number, title: string, detail: string): Answer => [
  status,
  { type: `/problems/${title}`, title, status, detail }
]

/** Results of a batch: every line accepted. */
export const acceptAll = ({ body }: Asked): Answer => {
  const results = body.split("\n").map((_, index) => ({
    id: `id-${index}`,
    shard: 0,
    durability: "local",
    duplicate: false
  }))
  return [202, { accepted: results.length, refused: 0, results }]
}
