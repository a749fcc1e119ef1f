/**
 * The address of a client, as far as limits tell clients apart by it.
 */
import type { Head } from "./Web.ts"

/**
 * Where a request comes from: the peer, or behind a trusted proxy the last of `X-Forwarded-For`,
 * which that proxy added. Whatever stands before it the client may have written itself.
 */
export const clientAddress = (head: Head, proxyTrusted: boolean): string => {
  const forwarded = proxyTrusted ? head.header("x-forwarded-for") : undefined
  const hop = forwarded?.slice(forwarded.lastIndexOf(",") + 1).trim()
  return narrowed(hop === undefined || !isAddress.test(hop) ? head.remote() : hop)
}

/** An address, not a name and not a text of any length; a port may follow. */
const isAddress = /^\[?[0-9a-fA-F:.]{2,45}\]?(:\d{1,5})?$/

const mapped = /^::ffff:(?=\d+\.)/i
const withPort = /^(?:\[(.+)\]|(\d+(?:\.\d+){3}))(?::\d+)?$/

/**
 * IPv6 by its first 64 bits: who has one address of such a network has all of them, and could send
 * each request from another.
 */
const narrowed = (address: string): string => {
  const [, six, four] = withPort.exec(address) ?? []
  const bare = (six ?? four ?? address).replace(mapped, "")
  if (!bare.includes(":")) return bare
  const [head = "", tail] = bare.toLowerCase().split("::")
  const groups = head === "" ? [] : head.split(":")
  const rest = tail === undefined || tail === "" ? [] : tail.split(":")
  const zeros = Array.from({ length: Math.max(0, 8 - groups.length - rest.length) }, () => "0")
  return `${[...groups, ...zeros, ...rest].slice(0, 4).map(short).join(":")}::/64`
}

const short = (group: string) => group.replace(/^0+(?=.)/, "")
