/**
 * The audit trail: whole over restarts, rotation and torn ends, and broken where it was altered.
 */
import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, FileSystem, Layer, Scope } from "effect"
import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { verify } from "../../../src/layers/audit/AuditFiles.ts"
import * as FileAudit from "../../../src/layers/audit/FileAudit.ts"
import * as Bus from "../../../src/layers/bus/Bus.ts"
import * as MemoryLog from "../../../src/layers/log/MemoryLog.ts"
import { MessageBus } from "../../../src/services/MessageBus.ts"
import { directory } from "../../contracts/Directory.ts"

/** A process that decides so often, and ends in order. */
const lived = (
  path: string,
  decisions: number,
  more: Partial<FileAudit.FileAuditOptions> = {}
) =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const layer = FileAudit.layer({ directory: path, writer: "w", ...more }).pipe(
      Layer.provideMerge(Bus.layer(Bus.optionsDefault)),
      Layer.provide(Layer.fresh(MemoryLog.layer)),
      Layer.provide(NodeFileSystem.layer)
    )
    const context = yield* Layer.buildWithScope(layer, scope)
    yield* Effect.provide(
      Effect.gen(function*() {
        const { shards } = yield* MessageBus
        for (let n = 0; n < decisions; n++) yield* shards.setWorkers(2 + n % 7)
      }),
      context
    )
    yield* Scope.close(scope, Exit.void)
  })

const verified = (path: string) =>
  Effect.flatMap(FileSystem.FileSystem, (files) => verify(files, path)).pipe(
    Effect.provide(NodeFileSystem.layer)
  )

const filesIn = (path: string) => readdirSync(path).toSorted().map((name) => join(path, name))

const only = (path: string) => filesIn(path)[0] ?? assert.fail("no file")

describe("the audit trail", () => {
  it.live("has a line for each decision, and goes on in one chain over restarts", () =>
    Effect.gen(function*() {
      const path = join(yield* directory, "audit")
      yield* lived(path, 5)
      yield* lived(path, 7)
      const [found] = yield* verified(path)
      assert.deepInclude(found, { writer: "w", files: 1, lines: 12, to: 11, broken: undefined })
      const [first = ""] = readFileSync(only(path), "utf8").split("\n")
      assert.deepInclude(JSON.parse(first), {
        v: 1,
        n: 0,
        writer: "w",
        kind: "workers",
        outcome: "2 workers"
      })
    }).pipe(Effect.scoped))

  it.live("begins another file when one is full, and keeps so many", () =>
    Effect.gen(function*() {
      const path = yield* directory
      for (let n = 0; n < 6; n++) yield* lived(path, 4, { fileBytesMax: 500, filesMax: 3 })
      const [found] = yield* verified(path)
      assert.deepInclude(found, { files: 3, lines: 12, from: 12, to: 23, broken: undefined })
    }).pipe(Effect.scoped))

  it.live("cuts a torn line off and goes on", () =>
    Effect.gen(function*() {
      const path = yield* directory
      yield* lived(path, 3)
      appendFileSync(only(path), "{\"v\":1,\"n\":3,\"torn")
      yield* lived(path, 2)
      const [found] = yield* verified(path)
      assert.deepInclude(found, { lines: 5, to: 4, broken: undefined })
    }).pipe(Effect.scoped))

  it.live.each<readonly [string, (lines: Array<string>) => Array<string>, number]>([
    [
      "altered",
      (lines) => lines.map((line, at) => at === 4 ? line.replace("workers", "Workers") : line),
      5
    ],
    ["removed", (lines) => lines.filter((_, at) => at !== 4), 5],
    ["removed from the front", (lines) => lines.slice(1), 0],
    ["written by somebody else", (lines) => ["hello", ...lines], 1],
    ["exchanged", (lines) => [lines[1] ?? "", lines[0] ?? "", ...lines.slice(2)], 2]
  ])("names the first line that was %s", ([, change, line]) =>
    Effect.gen(function*() {
      const path = yield* directory
      yield* lived(path, 10)
      const file = only(path)
      const lines = readFileSync(file, "utf8").trimEnd().split("\n")
      writeFileSync(file, `${change(lines).join("\n")}\n`)
      const [found] = yield* verified(path)
      // Whole files from the front go with age, so that alone proves nothing.
      assert.strictEqual(found?.broken?.line ?? 0, line)
    }).pipe(Effect.scoped))

  it.live("F13: keeps what it could not write for the next time", () =>
    Effect.gen(function*() {
      const parent = yield* directory
      const path = join(parent, "audit")
      writeFileSync(path, "a file, where a directory should be")
      const scope = yield* Scope.make()
      const layer = FileAudit.layer({ directory: path, writer: "w" }).pipe(
        Layer.provideMerge(Bus.layer(Bus.optionsDefault)),
        Layer.provide(Layer.fresh(MemoryLog.layer)),
        Layer.provide(NodeFileSystem.layer)
      )
      const context = yield* Layer.buildWithScope(layer, scope)
      yield* Effect.provide(MessageBus.use(({ shards }) => shards.setWorkers(3)), context)
      yield* Effect.sleep("1500 millis")
      rmSync(path)
      yield* Effect.provide(MessageBus.use(({ shards }) => shards.setWorkers(4)), context)
      yield* Scope.close(scope, Exit.void)
      const [found] = yield* verified(path)
      assert.deepInclude(found, { lines: 2, broken: undefined })
    }).pipe(Effect.scoped))
})
