/**
 * The guard of a server without keys: a web page must not be able to use it.
 *
 * A browser that visits a hostile page can reach a loopback port. The page's own requests carry its
 * `Origin`; and a hostile name that resolves to this machine (DNS rebinding) shows in `Host`.
 */
import * as Result from "effect/Result"
import { Refusal } from "./Refusal.ts"
import type { Head } from "./Web.ts"

/** Whether a request may be looked at; `undefined` when it may. */
export type Guard = (head: Head) => Refusal | undefined

/** The guard of a server that listens on `host` (as configured). */
export const makeGuard = (host: string): Guard => {
  const configured = host.toLowerCase()
  const allowed = anyAddress.has(configured) ? notPublic : isLoopback
  // One client sends one Host over and over; remembering the last good one saves the work.
  let seen: string | undefined = undefined
  return (head) => {
    const sent = head.header("host")
    if (sent === undefined) return Refusal.HttpMalformed({ reason: "no Host header" })
    if (sent !== seen) {
      const name = nameOf(sent)
      if (!allowed(name) && name !== configured) return Refusal.HostRefused({ host: sent })
      seen = sent
    }
    const origin = head.header("origin")
    return origin === undefined || hostOf(origin) === sent.toLowerCase()
      ? undefined
      : Refusal.OriginRefused({ origin })
  }
}

/** The guard of a server with keys: a web page has none, so only HTTP's own rule is left. */
export const hostSent: Guard = (head) =>
  head.header("host") === undefined
    ? Refusal.HttpMalformed({ reason: "no Host header" })
    : undefined

/** Addresses that mean every interface. */
const anyAddress: ReadonlySet<string> = new Set(["0.0.0.0", "::"])

/** The name in a `Host` header: without port, and without the brackets of an IPv6 address. */
const nameOf = (host: string): string =>
  (/^\[([0-9a-f:.]+)\](?::\d+)?$/i.exec(host)?.[1] ?? host.replace(/:\d+$/, "")).toLowerCase()

const ipv4 = /^\d{1,3}(\.\d{1,3}){3}$/

const isLoopback = (name: string): boolean =>
  name === "localhost" || name.endsWith(".localhost") || name === "::1" ||
  (ipv4.test(name) && name.startsWith("127."))

/**
 * Addresses, and names that no public DNS answers for: of one label, or under the suffixes of
 * Kubernetes services and private networks. Nobody outside can point such a name at this server.
 */
const notPublic = (name: string): boolean =>
  isLoopback(name) || ipv4.test(name) || name.includes(":") || /^[a-z0-9_-]+$/.test(name) ||
  privateSuffix.test(name)

const privateSuffix = /^[a-z0-9_.-]+\.(svc|svc\.cluster\.local|local|internal)$/

/** Host and port of an origin; `null` and what is no URL match no host. */
const hostOf = (origin: string): string | undefined =>
  Result.getOrUndefined(
    Result.try({ try: () => new URL(origin).host, catch: () => undefined })
  )
