/**
 * Settings from environment variables, and secrets also from the files that NAME_FILE names.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as PlatformError from "effect/PlatformError"
import {
  type SettingIssue,
  Settings,
  SettingsInvalid,
  type SettingsRecord
} from "../../services/Settings.ts"
import { agents } from "./catalogue/Agents.ts"
import { bus, scaling } from "./catalogue/Bus.ts"
import { coordination } from "./catalogue/Coordination.ts"
import { server } from "./catalogue/Server.ts"
import { store } from "./catalogue/Store.ts"
import { type Machine, machine } from "./Machine.ts"
import { type Found, make, quote, type Reader } from "./Reader.ts"
import { unknownNames } from "./UnknownNames.ts"

/** Variables by name, such as `process.env`. An empty one counts as not set. */
export type Variables = Readonly<Record<string, string | undefined>>

/** Largest secret file, in bytes: anything larger is not a secret but a mistake. */
const secretBytesMax = 65_536

/** Reads and checks all settings; fails with all mistakes at once. */
export const read = Effect.fnUntraced(function*(variables: Variables) {
  const { found, issues } = yield* gather(variables)
  const here = yield* machine
  const reader = make(found)
  const values = readAll(reader, here, variables)
  const known = reader.shown.flatMap(({ name, secret }) => secret ? [name, `${name}_FILE`] : [name])
  const [first, ...others] = [
    ...issues,
    ...reader.issues,
    ...(yield* directoryIssues("AGENTS_DIR", values.agents.dir)),
    ...unknownNames(setNames(variables), known)
  ]
  if (first !== undefined) return yield* new SettingsInvalid({ issues: [first, ...others] })
  return Settings.of({
    profile: profileOf(values),
    values,
    shown: reader.shown,
    notices: reader.notices
  })
})

/** Source: design, section 6. */
const profileOf = (
  { coordination: { redis }, store: { citus, databaseUrl, enabled } }: SettingsRecord
): Settings["Service"]["profile"] => {
  if (!enabled) return "memory"
  if (databaseUrl !== undefined) return citus ? "citus" : "postgres"
  return redis ? "redis" : "local"
}

/** What is wrong with a directory that has to be there. */
const directoryIssues = Effect.fnUntraced(function*(name: string, path: string | undefined) {
  if (path === undefined) return []
  const files = yield* FileSystem.FileSystem
  const reason = yield* files.stat(path).pipe(
    Effect.map(({ type }) => type === "Directory" ? undefined : "it is no directory"),
    Effect.catch((error) => Effect.succeed(reasonOf(error)))
  )
  const remedy = `create it, correct the path or unset it: ${reason}`
  const expected = "a directory that can be read"
  return reason === undefined ? [] : [{ name, found: quote(path), expected, remedy }]
})

/** The settings of `variables`. */
export const layer = (
  variables: Variables
): Layer.Layer<Settings, SettingsInvalid, FileSystem.FileSystem> =>
  Layer.effect(Settings, read(variables))

const readAll = (reader: Reader, here: Machine, variables: Variables) => {
  const shards = bus(reader, here)
  return {
    bus: shards,
    scaling: scaling(reader, shards),
    server: server(reader),
    store: store(reader),
    coordination: coordination(reader, isSet(variables["KUBERNETES_SERVICE_HOST"])),
    agents: agents(reader, here)
  }
}

const isSet = (text: string | undefined): text is string => text !== undefined && text.trim() !== ""

const setNames = (variables: Variables): ReadonlyArray<string> =>
  Object.keys(variables).filter((name) => isSet(variables[name])).toSorted()

/** The names of secrets, from a reading of nothing. */
const secretNames: ReadonlyArray<string> = (() => {
  const reader = make(new Map())
  readAll(reader, { memoryBytes: 0, cores: 1 }, {})
  return reader.shown.filter(({ secret }) => secret).map(({ name }) => name)
})()

/** The texts that are set, those of secret files included. */
const gather = Effect.fnUntraced(function*(variables: Variables) {
  const found = new Map<string, Found>()
  for (const name of setNames(variables)) {
    found.set(name, { text: (variables[name] ?? "").trim(), source: "environment" })
  }
  const issues: Array<SettingIssue> = []
  for (const name of secretNames) {
    const path = found.get(`${name}_FILE`)?.text
    if (path === undefined) continue
    const refuse = (expected: string, remedy: string) =>
      issues.push({ name: `${name}_FILE`, found: quote(path), expected, remedy })
    if (found.has(name)) {
      refuse(`nothing, as ${name} is set too`, "unset one of the two")
      continue
    }
    const secret = yield* Effect.result(readSecret(path))
    if (secret._tag === "Failure") refuse("a readable file", `correct the path: ${secret.failure}`)
    else if (secret.success === "") refuse("a file with the secret in it", "write it or unset this")
    else found.set(name, { text: secret.success, source: "file" })
  }
  return { found, issues }
})

const readSecret = Effect.fnUntraced(function*(path: string) {
  const files = yield* FileSystem.FileSystem
  const { size, type } = yield* Effect.mapError(files.stat(path), reasonOf)
  if (type !== "File") return yield* Effect.fail("it is no file")
  if (size > secretBytesMax) return yield* Effect.fail(`it is larger than ${secretBytesMax} bytes`)
  return (yield* Effect.mapError(files.readFileString(path), reasonOf)).trim()
})

const reasonOf = (error: PlatformError.PlatformError): string =>
  error.reason._tag === "NotFound"
    ? "it does not exist"
    : error.reason._tag === "PermissionDenied"
    ? "permission denied"
    : "it cannot be read"
