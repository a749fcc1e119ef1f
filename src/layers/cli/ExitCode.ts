/**
 * Exit codes: what every command tells the shell.
 */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import * as Runtime from "effect/Runtime"

/** Every exit code and its meaning, as `--help` shows them. Source: sysexits.h from 69 to 78. */
export const exitCodes = {
  ok: { code: 0, meaning: "done" },
  failed: { code: 1, meaning: "failed, or some messages were refused" },
  usage: { code: 2, meaning: "wrong usage" },
  lost: { code: 3, meaning: "a bus in memory ended with deliveries that were not settled" },
  unavailable: {
    code: 69,
    meaning: "no bus answers, or it accepts nothing now; or the Redis that it needs cannot be used"
  },
  address: { code: 71, meaning: "a port cannot be listened on" },
  store: {
    code: 74,
    meaning: "the log cannot be opened: in use, damaged, newer, read-only or full"
  },
  late: {
    code: 75,
    meaning: "was told to end, but a handler or the log did not within the time limit"
  },
  settings: { code: 78, meaning: "illegal settings" },
  interrupted: { code: 130, meaning: "interrupted before the end" }
} as const

/** The last lines of `--help`. */
export const exitCodesHelp: string = Object.values(exitCodes)
  .map(({ code, meaning }) => `  ${String(code).padEnd(5)}${meaning}`)
  .join("\n")

/** By the tag of the error; the errors of `effect/cli` are about usage. */
const byTag: Readonly<Record<string, number>> = {
  OutputClosed: exitCodes.ok.code,
  BusUnavailable: exitCodes.unavailable.code,
  RedisUnopened: exitCodes.unavailable.code,
  EdgeUnbound: exitCodes.address.code,
  LogUnopened: exitCodes.store.code,
  LogUnavailable: exitCodes.store.code,
  SettingsInvalid: exitCodes.settings.code,
  WrongUsage: exitCodes.usage.code,
  UnrecognizedOption: exitCodes.usage.code,
  DuplicateOption: exitCodes.usage.code,
  MissingOption: exitCodes.usage.code,
  MissingArgument: exitCodes.usage.code,
  UnexpectedArgument: exitCodes.usage.code,
  InvalidValue: exitCodes.usage.code,
  UnknownSubcommand: exitCodes.usage.code,
  ValidationError: exitCodes.usage.code
}

/** The exit code of an error. One that says so itself (`Runtime.errorExitCode`) is believed. */
const ofError = (error: unknown): number => {
  if (!Predicate.hasProperty(error, "_tag")) return exitCodes.failed.code
  if (error._tag === "ShowHelp") {
    const isRequest = Predicate.hasProperty(error, "errors") && Array.isArray(error.errors) &&
      error.errors.length === 0
    return isRequest ? exitCodes.ok.code : exitCodes.usage.code
  }
  const own = Predicate.hasProperty(error, Runtime.errorExitCode)
    ? error[Runtime.errorExitCode]
    : undefined
  return byTag[String(error._tag)] ?? (typeof own === "number" ? own : exitCodes.failed.code)
}

/** The exit code of what a command ended with. */
export const exitCodeOf = (exit: Exit.Exit<unknown, unknown>): number =>
  Exit.isSuccess(exit)
    ? exitCodes.ok.code
    : Cause.hasInterruptsOnly(exit.cause)
    ? exitCodes.interrupted.code
    : ofError(Cause.squash(exit.cause))
