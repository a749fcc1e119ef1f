/**
 * A clock on the wall that a test moves, for a process of its own: libfaketime, whose file says how
 * far that clock is off. Monotonic time goes on as it is.
 */
import { Effect, type Scope } from "effect"
import { existsSync, globSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { root, runToEnd, temporaryFolder } from "./Service.ts"

/** The clock of one process. */
export interface FakeTime {
  /** The settings of the process that lives by it. */
  readonly settings: Readonly<Record<string, string>>
  /** Sets the clock so many seconds off the real one. */
  readonly set: (seconds: number) => void
}

const installed = "/usr/lib/*/faketime/libfaketimeMT.so.1"
const fetched = join(root, ".run", "faketime")

/** Most seconds that getting the library may take. */
const fetchSeconds = "60"

/** The library; undefined where it is not, and cannot be had. */
const library: Effect.Effect<string | undefined> = Effect.suspend(() => {
  const here = found()
  return here === undefined ? Effect.map(fetchIt, found) : Effect.succeed(here)
})

const found = () =>
  [...globSync(installed), ...globSync(join(fetched, installed))].find((path) => existsSync(path))

/** Unpacks the package below `.run`, which needs no privilege; nothing is installed. */
const fetchIt = Effect.suspend(() => {
  mkdirSync(fetched, { recursive: true })
  const get = "apt-get download -qq libfaketime && dpkg-deb -x libfaketime_*.deb ."
  const script = `cd "$1" && { ${get} || { apt-get update -qq && ${get}; }; }`
  return runToEnd(["timeout", fetchSeconds, "sh", "-c", script, "sh", fetched])
}).pipe(Effect.catchDefect(() => Effect.void))

/** A clock that is right until it is set; undefined where libfaketime cannot be had. */
export const fakeTime: Effect.Effect<FakeTime | undefined, never, Scope.Scope> = Effect.gen(
  function*() {
    const path = process.platform === "linux" ? yield* library : undefined
    if (path === undefined) return undefined
    const file = join(yield* temporaryFolder, "offset")
    const set = (seconds: number) =>
      writeFileSync(file, `${seconds < 0 ? "-" : "+"}${Math.abs(seconds)}`)
    set(0)
    return {
      settings: {
        LD_PRELOAD: path,
        FAKETIME_TIMESTAMP_FILE: file,
        FAKETIME_NO_CACHE: "1",
        FAKETIME_DONT_FAKE_MONOTONIC: "1",
        DONT_FAKE_MONOTONIC: "1"
      },
      set
    }
  }
)
