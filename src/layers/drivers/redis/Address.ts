/**
 * Where a Redis is: one server, a cluster, or what sentinels say, as one address.
 *
 *     redis://user:password@host:6379/0
 *     rediss://host:6380                                     over TLS
 *     redis+cluster://host-1:6379,host-2:6379                any nodes of a cluster
 *     redis+sentinel://host-1:26379,host-2:26379/main/0      sentinels; their primary is main
 */
import * as Result from "effect/Result"

/** A server. */
export interface Node {
  readonly host: string
  readonly port: number
}

/** A parsed address. */
export interface Address {
  readonly mode: "single" | "cluster" | "sentinel"
  /** At least one; several for a cluster and for sentinels. */
  readonly nodes: ReadonlyArray<Node>
  readonly isTls: boolean
  readonly username: string | undefined
  readonly password: string | undefined
  /** What sentinels call the primary. */
  readonly primary: string | undefined
  readonly database: number
}

/** An address as an example, for those who give another. */
export const example = "redis://user:password@host:6379/0"

/** Most nodes that an address names. */
const nodesMax = 64

/** Databases of a server, as it comes. */
const databasesMax = 16_384

const form = new RegExp([
  "^redis(?<tls>s?)(?:\\+(?<mode>cluster|sentinel))?://",
  "(?:(?<user>[^:@/,]*)(?::(?<password>[^@/]*))?@)?",
  "(?<nodes>[^@/?#]+)(?:/(?<path>[^?#]*))?$"
].join(""))

const nodeForm = /^(?<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?<port>\d{1,5}))?$/

/** The parts of an address, or what is wrong with it. */
export const parse = (text: string): Result.Result<Address, string> => {
  const found = form.exec(text)?.groups
  if (found === undefined) return Result.fail(`expected an address like ${example}`)
  const mode = found["mode"] === "cluster" || found["mode"] === "sentinel"
    ? found["mode"]
    : "single"
  const nodes = (found["nodes"] ?? "").split(",").map((node) => nodeOf(node.trim(), mode))
  const known = nodes.flatMap((node) => node === undefined ? [] : [node])
  if (known.length < nodes.length) return Result.fail("expected host:port, several by commas")
  if (known.length > (mode === "single" ? 1 : nodesMax)) {
    return Result.fail(
      mode === "single"
        ? "expected one host; several are redis+cluster:// or redis+sentinel://"
        : `expected ${nodesMax} hosts at most`
    )
  }
  const path = (found["path"] ?? "").split("/").filter((part) => part !== "")
  const primary = mode === "sentinel" ? path.shift() : undefined
  if (mode === "sentinel" && primary === undefined) {
    return Result.fail("expected what the sentinels call the primary: redis+sentinel://host/NAME")
  }
  const database = Number(path.shift() ?? "0")
  const isDatabase = Number.isInteger(database) && database >= 0 && database < databasesMax
  if (path.length > 0 || !isDatabase || (mode === "cluster" && database > 0)) {
    return Result.fail("expected the number of a database at the end; a cluster has only 0")
  }
  return Result.map(
    Result.all([decoded(found["user"]), decoded(found["password"])]),
    ([username, password]) => ({
      mode,
      nodes: known,
      isTls: found["tls"] === "s",
      username,
      password,
      primary,
      database
    })
  )
}

const nodeOf = (text: string, mode: Address["mode"]): Node | undefined => {
  const found = nodeForm.exec(text)?.groups
  if (found === undefined) return undefined
  const port = Number(found["port"] ?? (mode === "sentinel" ? 26_379 : 6_379))
  if (port < 1 || port > 65_535) return undefined
  return { host: (found["host"] ?? "").replace(/^\[|\]$/g, ""), port }
}

const decoded = (text: string | undefined): Result.Result<string | undefined, string> =>
  text === undefined || text === ""
    ? Result.succeed(undefined)
    : Result.try({
      try: () => decodeURIComponent(text),
      catch: () => "expected %25 for a % in the user or the password"
    })
