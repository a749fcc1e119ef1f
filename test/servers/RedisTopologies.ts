/**
 * Several Redis servers that work as one: a cluster of three, and a primary with a replica that
 * three sentinels watch.
 */
import { Effect, type Scope } from "effect"
import { spawnSync } from "node:child_process"
import type { NoServer } from "./NoServer.ts"
import { redis, type Server } from "./Redis.ts"

const pause = (ms: number) =>
  Effect.promise(() => new Promise((resolve) => setTimeout(resolve, ms)))

/** Three primaries and their address. */
export const cluster: Effect.Effect<
  { readonly nodes: ReadonlyArray<Server>; readonly url: string },
  NoServer,
  Scope.Scope
> = Effect.gen(function*() {
  const nodes = yield* Effect.all(
    Array.from({ length: 3 }, () =>
      redis({
        "cluster-enabled": "yes",
        "cluster-config-file": "nodes.conf",
        "cluster-node-timeout": "2000"
      }))
  )
  const hosts = nodes.map(({ port }) => `127.0.0.1:${port}`)
  const made = spawnSync(
    "redis-cli",
    ["--cluster", "create", ...hosts, "--cluster-yes"],
    { encoding: "utf8" }
  )
  if (made.status !== 0) return yield* Effect.die(new Error(made.stdout + made.stderr))
  const isWhole = () =>
    nodes.every(({ cli }) => cli("cluster", "info").includes("cluster_state:ok"))
  while (!isWhole()) yield* pause(50)
  return { nodes, url: `redis+cluster://${hosts.slice(0, 2).join(",")}` }
})

/** What the sentinels call the primary. */
const name = "main"

/** A primary, its replica, three sentinels that know each other, and their address. */
export const sentinels: Effect.Effect<
  { readonly primary: Server; readonly replica: Server; readonly url: string },
  NoServer,
  Scope.Scope
> = Effect.gen(function*() {
  const primary = yield* redis()
  const replica = yield* redis({ replicaof: `127.0.0.1 ${primary.port}` })
  const watchers = yield* Effect.all(
    Array.from({ length: 3 }, () =>
      redis({
        sentinel: `monitor ${name} 127.0.0.1 ${primary.port} 2`,
        mode: "sentinel"
      }))
  )
  for (const { cli } of watchers) {
    cli("sentinel", "set", name, "down-after-milliseconds", "1000")
    cli("sentinel", "set", name, "failover-timeout", "3000")
  }
  const knowEachOther = () =>
    watchers.every(({ cli }) => /slaves=1,sentinels=3/.test(cli("info", "sentinel")))
  while (!knowEachOther()) yield* pause(100)
  const hosts = watchers.map(({ port }) => `127.0.0.1:${port}`).join(",")
  return { primary, replica, url: `redis+sentinel://${hosts}/${name}` }
})
