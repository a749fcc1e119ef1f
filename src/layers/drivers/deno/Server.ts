/**
 * The HTTP server of Deno, as far as it is used: a type of its own, for nothing else here knows of
 * Deno, and under Node there is none.
 */

/** A running server. */
export interface Server {
  readonly addr: { readonly port: number }
  /** Takes no more connections, ends idle ones, and waits for requests under way. */
  readonly shutdown: () => Promise<void>
}

/** What is known of a request beside itself. */
export interface Info {
  readonly remoteAddr: { readonly hostname: string }
}

/** Where to listen. */
export interface Options {
  readonly hostname: string
  readonly port: number
  /** Ends the server with all its connections. */
  readonly signal: AbortSignal
  readonly onListen: () => void
}

/** Answers one request. */
export type Handler = (request: Request, info: Info) => Promise<Response>

declare const Deno: { readonly serve: (options: Options, handler: Handler) => Server }

/** Starts a server; throws what the system says when it cannot listen. Under Deno only. */
export const serve = (options: Options, handler: Handler): Server => Deno.serve(options, handler)
