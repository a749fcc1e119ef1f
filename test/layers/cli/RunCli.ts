/** The command line in this process: arguments in; code, output and errors out. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer, Stdio, Stream } from "effect"
import { FetchHttpClient } from "effect/http"
import type { Verified } from "../../../src/domain/Audit.ts"
import { Output } from "../../../src/layers/cli/Output.ts"
import { execute } from "../../../src/layers/cli/Run.ts"
import { read, type Variables } from "../../../src/layers/settings/Environment.ts"

const whole = { writer: "a-8000", files: 2, lines: 1_200, from: 5, to: 1_204, broken: undefined }

/** What is found in directories. */
const trails = new Map<string, ReadonlyArray<Verified>>([
  ["whole", [whole]],
  [
    "broken",
    [whole, { ...whole, writer: "b-8001", broken: { file: "f", line: 7, reason: "altered" } }]
  ]
])

/** What is around a command. */
export interface Around {
  readonly stdin?: ReadonlyArray<string | Uint8Array>
  readonly variables?: Variables
}

const encoder = new TextEncoder()

/** Runs `codefactory` with `args`. */
export const runCli = Effect.fnUntraced(function*(
  args: ReadonlyArray<string>,
  { stdin = [], variables = {} }: Around = {}
) {
  const out: Array<string> = []
  const err: Array<string> = []
  const output: Output = {
    print: (line) => Effect.sync(() => void out.push(line)),
    note: (text) => Effect.sync(() => void err.push(text)),
    isWatched: false
  }
  const chunks = stdin.map((chunk) => typeof chunk === "string" ? encoder.encode(chunk) : chunk)
  const code = yield* execute(
    {
      serve: Effect.void,
      settings: read(variables),
      verifyAudit: (directory) => Effect.succeed(trails.get(directory) ?? []),
      migrate: (what, citus) =>
        Effect.succeed({
          migrations: what === "plan" ? [{ id: 1, name: "log" }] : [],
          distribution: citus ? "Missing" : undefined
        })
    },
    "1.2.3",
    args
  ).pipe(
    Effect.provideService(Output, output),
    Effect.provide(Stdio.layerTest({ stdin: Stream.fromIterable(chunks) })),
    Effect.provide(Layer.mergeAll(NodeServices.layer, FetchHttpClient.layer))
  )
  return { code, out: out.join("\n"), err: err.join("") }
})
