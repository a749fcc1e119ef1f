/**
 * What the operating system sees of a publish.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { publish } from "./Consume.ts"
import { denoMissing, denoServe } from "./DenoCommand.ts"
import { serve, start, stop, temporaryFolder } from "./Service.ts"

const traced = "read,recvfrom,recvmsg,write,writev,sendto,sendmsg,fsync,fdatasync"

/** Why strace cannot be used here; `undefined` when it can. */
const obstacle = (): string | undefined => {
  const { error, status, stderr } = spawnSync("strace", ["-f", "-e", "trace=fsync", "true"])
  if (error !== undefined) return `strace does not start: ${error.message}`
  return status === 0 ? undefined : `strace may not trace: ${stderr.toString().trim()}`
}

describe("the embedded log", () => {
  const ways = [
    { under: "Node", missing: undefined, command: () => serve },
    { under: "Deno", missing: denoMissing, command: denoServe }
  ]
  it.live.each(ways)(
    "P1: has synced to the disk between a single publish and its reply, under $under",
    ({
      command,
      missing
    }, context) =>
      Effect.gen(function*() {
        const reason = obstacle() ?? missing
        if (reason !== undefined) return context.skip(reason)
        const folder = yield* temporaryFolder
        const trace = join(folder, "trace")
        // With -D the service is the process that was started, and strace its grandchild.
        const strace = ["strace", "-D", "-f", "-s", "64", "-e", `trace=${traced}`, "-o", trace]
        const service = yield* start(join(folder, "data"), {}, [
          ...strace,
          ...command(join(folder, "data"))
        ])
        for (let n = 0; n < 3; n++) assert.strictEqual((yield* publish(service.url, n)).status, 202)
        assert.strictEqual(yield* stop(service, "SIGTERM"), 0)

        const lines = readFileSync(trace, "utf8").split("\n")
        const replies = positions(lines, /"HTTP\/1\.1 202/)
        const arrivals = positions(lines, /"POST \/v1\/topics\/load\.test\/messages/)
        assert.strictEqual(arrivals.length, 3)
        assert.strictEqual(replies.length, 3)
        arrivals.forEach((arrival, n) => {
          const between = lines.slice(arrival, replies[n])
          const begun = positions(between, /\bf(data)?sync\(/)
          const done = positions(between, /\bf(data)?sync(\(\d+| resumed>).*\) += 0/)
          assert.isAtLeast(begun.length, 1, between.join("\n"))
          assert.isAtLeast(done.at(-1) ?? -1, begun[0] ?? Infinity, between.join("\n"))
        })
      })
  )
})

const positions = (lines: ReadonlyArray<string>, pattern: RegExp): ReadonlyArray<number> =>
  lines.flatMap((line, at) => pattern.test(line) ? [at] : [])
