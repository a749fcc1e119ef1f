/**
 * The head of a `node:http` request.
 */
import type { IncomingMessage } from "node:http"
import type { Head } from "./Web.ts"

/** The head; a header that was sent more than once reads as one, joined by commas. */
export const headOf = (request: IncomingMessage): Head => {
  const url = request.url ?? ""
  const mark = url.indexOf("?")
  return {
    method: request.method ?? "",
    path: mark < 0 ? url : url.slice(0, mark),
    query: mark < 0 ? "" : url.slice(mark + 1),
    remote: () => request.socket.remoteAddress ?? "",
    header: (name) => {
      const value = request.headers[name]
      return typeof value === "string" || value === undefined ? value : value.join(", ")
    }
  }
}
