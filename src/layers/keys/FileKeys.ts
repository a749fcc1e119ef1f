/**
 * Keys from a file, which is read again when it changes.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { ApiKeys } from "../../services/ApiKeys.ts"
import { SettingsInvalid } from "../../services/Settings.ts"
import { type Fault, fileBytesMax, parseKeys } from "./KeyFile.ts"
import { type KeyRing, makeKeyRing } from "./KeyRing.ts"

/** How often the file is looked at: a change takes effect within 5 s. */
export const pollInterval = Duration.seconds(2)

/** The keys of the file at `path`; one that is not usable at the start is an illegal setting. */
export const layer = (
  path: string
): Layer.Layer<ApiKeys, SettingsInvalid, FileSystem.FileSystem> =>
  Layer.effect(
    ApiKeys,
    Effect.gen(function*() {
      const { mark, ring } = yield* Effect.mapError(read(path), invalid(path))
      const counts = { reloads: 0, reloadFailures: 0, stale: false }
      const state: State = { mark, ring, ...counts, listeners: [] }
      yield* Effect.forkScoped(Effect.forever(Effect.delay(look(path, state), pollInterval)))
      return ApiKeys.of({
        required: true,
        verify: (credential) => state.ring.verify(credential),
        isCurrent: (grant) => state.ring.entryOf(grant.id)?.grant === grant,
        onChange: (listener) => void state.listeners.push(listener),
        counts: () => ({
          keys: state.ring.size,
          reloads: state.reloads,
          reloadFailures: state.reloadFailures,
          stale: state.stale
        })
      })
    })
  )

interface Loaded {
  readonly ring: KeyRing
  /** What the file looked like before it was read. */
  readonly mark: string
}

/** Mutable on purpose: each reload replaces the ring as a whole. */
interface State {
  ring: KeyRing
  mark: string
  readonly listeners: Array<() => void>
  reloads: number
  reloadFailures: number
  stale: boolean
}

/** Reads the file again if it looks different. */
const look = Effect.fnUntraced(function*(path: string, state: State) {
  const mark = Result.getOrElse(yield* Effect.result(markOf(path)), () => unseen)
  if (mark === state.mark) return
  const loaded = yield* Effect.result(read(path, state.ring))
  if (Result.isSuccess(loaded)) {
    state.ring = loaded.success.ring
    state.mark = loaded.success.mark
    state.reloads++
    state.stale = false
    for (const listener of state.listeners) listener()
    return yield* Effect.logInfo(`${state.ring.size} API keys are in force from now on`)
  }
  state.mark = mark
  state.reloadFailures++
  state.stale = true
  const faults = loaded.failure.map(({ expected, where }) => `${where}: expected ${expected}`)
  yield* Effect.logError(
    `API_KEYS_FILE is not usable, the former keys stay in force: ${faults.join("; ")}`
  )
})

/** The mark of a file that cannot be looked at. */
const unseen = "unseen"

const markOf = Effect.fnUntraced(function*(path: string) {
  const files = yield* FileSystem.FileSystem
  const { ino, mtime, size } = yield* files.stat(path)
  const changed = Option.match(mtime, { onNone: () => 0, onSome: (time) => time.getTime() })
  return `${size} ${changed} ${Option.getOrElse(ino, () => 0n)}`
})

/** Marks before it reads, so that a change in between is seen at the next look. */
const read = (
  path: string,
  former?: KeyRing
): Effect.Effect<Loaded, ReadonlyArray<Fault>, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const mark = yield* markOf(path)
    const { size } = yield* files.stat(path)
    return { mark, size, text: size > fileBytesMax ? "" : yield* files.readFileString(path) }
  }).pipe(
    Effect.mapError(({ reason }) => [{
      where: "the file",
      expected: `one that can be read (${reason._tag})`
    }]),
    Effect.flatMap(({ mark, size, text }) =>
      size > fileBytesMax
        ? Effect.fail([{ where: "the file", expected: `at most ${fileBytesMax} bytes` }])
        : Effect.map(
          Effect.fromResult(parseKeys(text)),
          (keys) => ({ mark, ring: makeKeyRing(keys, former) })
        )
    )
  )

const invalid = (path: string) => (faults: ReadonlyArray<Fault>) => {
  const [first = unusable, ...others] = faults
  const issueOf = ({ expected, where }: Fault) => ({
    name: "API_KEYS_FILE",
    found: `${JSON.stringify(path)} with a fault at ${where}`,
    expected,
    remedy: "correct it; \"codefactory key\" makes an entry"
  })
  return new SettingsInvalid({ issues: [issueOf(first), ...others.map(issueOf)] })
}

const unusable: Fault = { where: "the file", expected: "keys" }
