/**
 * The head of a request that came through `Deno.serve`.
 */
import type { Info } from "../drivers/deno/Server.ts"
import { edgeLimits } from "./EdgeLimits.ts"
import { anyMethod, Refusal } from "./Refusal.ts"
import type { Head } from "./Web.ts"

/** A head whose bytes were counted. Mutable while it is read: one for every request. */
export class DenoHead implements Head {
  readonly method: string
  readonly path: string
  readonly query: string
  /** Bytes of the headers as they were sent, nearly: spaces are not told of. */
  bytes = 0
  readonly #fields = new Map<string, string>()
  readonly #info: Info

  /** Deno puts the target behind scheme and host, and takes nothing of it away. */
  constructor(request: Request, info: Info) {
    const { url } = request
    const slash = url.indexOf("/", url.indexOf("://") + 3)
    const mark = slash < 0 ? -1 : url.indexOf("?", slash)
    this.method = request.method
    this.path = slash < 0 ? "" : mark < 0 ? url.slice(slash) : url.slice(slash, mark)
    this.query = mark < 0 ? "" : url.slice(mark + 1)
    this.#info = info
    // Measured: one walk over all costs less than asking for the eight that each publish needs.
    request.headers.forEach((value, name) => {
      this.#fields.set(name, value)
      this.bytes += name.length + value.length + perHeader
    })
  }

  header(name: string): string | undefined {
    return this.#fields.get(name)
  }

  remote(): string {
    return this.#info.remoteAddr.hostname
  }
}

/** Bytes of a header besides its name and value. */
const perHeader = ": \r\n".length

/**
 * What the edge says no to before anything else. Deno itself reads heads of up to 400 KiB, takes
 * equal lengths that are sent twice for one (whoever forwards requests may not), passes `CONNECT`
 * on, and overlooks expectations.
 */
export const excessOf = (head: DenoHead): Refusal | undefined => {
  const { bytes, method } = head
  if (method === "CONNECT") return Refusal.MethodRefused({ method, allow: anyMethod })
  const length = head.header("content-length")
  if (length !== undefined && !digits.test(length)) {
    return Refusal.HttpMalformed({ reason: "Content-Length is no number" })
  }
  const expectation = head.header("expect")
  if (expectation !== undefined && expectation.toLowerCase() !== "100-continue") {
    return Refusal.ExpectationRefused({ expectation })
  }
  return bytes > edgeLimits.headBytesMax
    ? Refusal.HeadTooLarge({ limitBytes: edgeLimits.headBytesMax })
    : undefined
}

const digits = /^\d{1,15}$/
