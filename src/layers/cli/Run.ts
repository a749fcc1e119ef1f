/**
 * Running the command line: arguments in, exit code out.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as CliConfig from "effect/cli/CliConfig"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import * as Stdio from "effect/Stdio"
import process from "node:process"
import { SettingIssue } from "../../services/Settings.ts"
import { codefactory, type Program } from "./CodeFactoryCommand.ts"
import { exitCodeOf, exitCodes, exitCodesHelp } from "./ExitCode.ts"
import { note, print } from "./Output.ts"
import { issuesText } from "./SettingsText.ts"

/**
 * Runs the command that `args` name, reports its error, and gives its exit code.
 *
 * Uninterruptible as a whole: commands make interruptible what may be interrupted, and decide what
 * a signal means to them.
 */
export const execute = <E, R>(
  program: Program<E, R>,
  version: string,
  args: ReadonlyArray<string>
) =>
  Effect.uninterruptible(Effect.gen(function*() {
    const exit = yield* Effect.exit(Command.runWith(codefactory(program), { version })(args))
    const code = exitCodeOf(exit)
    if (Exit.isFailure(exit)) yield* report(exit.cause, code, args.includes("--json"))
    return code
  })).pipe(Effect.provide(look), Effect.provideService(HttpClient.TracerPropagationEnabled, false))

/** Runs the command line of this process and leaves its exit code in `process.exitCode`. */
export const run = <E>(
  program: Program<E, NodeServices.NodeServices>,
  version: string
): Effect.Effect<void> =>
  Effect.uninterruptible(Effect.gen(function*() {
    const { args } = yield* Stdio.Stdio
    const code = yield* execute(program, version, yield* args)
    yield* Effect.sync(() => {
      // A program that ended well may have left a code of its own, such as for lost messages.
      if (code !== exitCodes.ok.code) process.exitCode = code
    })
  })).pipe(Effect.provide(Layer.mergeAll(NodeServices.layer, FetchHttpClient.layer)))

/** Ends the process with the code that `run` left. */
export const teardown: Runtime.Teardown = (_, onExit) => {
  const code = process.exitCode
  onExit(typeof code === "number" ? code : exitCodes.ok.code)
}

/** Errors that were shown while they happened, or that nobody is left to see. */
const silent = ["CommandEnded", "PartlyRefused", "NotReplayed", "OutputClosed", "ShowHelp"]

const report = Effect.fnUntraced(function*(
  cause: Cause.Cause<unknown>,
  code: number,
  asJson: boolean
) {
  if (Cause.hasInterruptsOnly(cause)) return
  const error = Result.getOrUndefined(Cause.findError(cause))
  if (error === undefined) return yield* note(`codefactory: a bug: ${Cause.pretty(cause)}`)
  const tag = Predicate.hasProperty(error, "_tag") ? String(error._tag) : "Error"
  if (silent.includes(tag)) return
  yield* note(
    asJson
      ? JSON.stringify({
        error: tag,
        message: messageOf(error),
        exitCode: code,
        ...issuesOf(error)
      })
      : `codefactory: ${messageOf(error)}`
  )
})

const Issues = Schema.Struct({ issues: Schema.Array(SettingIssue) })

const issuesOf = (error: unknown): Partial<typeof Issues.Type> =>
  Result.getOrElse(Schema.decodeUnknownResult(Issues)(error), () => ({}))

/** What happened: a list of settings, the error's own words, or else its fields. */
const messageOf = (error: unknown): string => {
  const { issues } = issuesOf(error)
  if (issues !== undefined) return issuesText(issues)
  if (error instanceof Error && error.message !== "") return error.message
  return JSON.stringify(error)
}

/** How help looks, and which flags every command has. */
const look = Layer.unwrap(Effect.sync(() => {
  const formatter = CliOutput.defaultFormatter({ globalFlags: "summary" })
  return Layer.mergeAll(
    CliConfig.layer({
      builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions]
    }),
    CliOutput.layer(formatter),
    CliOutput.layerPresenter({
      present: (event) =>
        event._tag === "InvalidInvocation"
          ? note(
            `codefactory: ${event.errors.map((error) => error.message).join("\n")}\n` +
              `usage: ${event.helpDoc.usage}\n` +
              `More: ${event.commandPath.join(" ")} --help`
          )
          : Effect.ignore(print(
            event._tag === "Version"
              ? `${event.name} ${event.version}`
              : `${formatter.formatHelpDoc(event.helpDoc)}\n\nEXIT CODES\n${exitCodesHelp}`
          ))
    })
  )
}))
