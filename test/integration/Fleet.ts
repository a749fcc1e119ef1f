/**
 * Several pods over one database, each a process of its own.
 */
import { assert } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { rowsOf } from "../servers/Databases.ts"
import { freePort } from "../servers/Process.ts"
import { call, type Service, start, temporaryFolder } from "./Service.ts"

type Settings = Readonly<Record<string, string>>

/** A pod over a database, on ports of its own. */
export const podOver = (
  url: string,
  settings: Settings = {}
): Effect.Effect<Service, never, Scope.Scope> =>
  Effect.orDie(Effect.gen(function*() {
    const folder = yield* temporaryFolder
    const port = yield* freePort
    const shared = { DATABASE_URL: url, SINGLE_POD: "0", POD_PORT: String(port) }
    return yield* start(folder, { ...shared, ...settings })
  }))

/** Until every partition has an owner, and pods have heard of each other. */
export const settled = Effect.fnUntraced(function*(url: string, pods: ReadonlyArray<Service>) {
  for (let tries = 0; tries < 300; tries++) { // Ends what hangs.
    const owners = yield* rowsOf(
      url,
      "SELECT owner, count(*)::int AS n FROM codefactory.partitions GROUP BY owner"
    )
    const isShared = owners.length === pods.length &&
      owners.every(({ n, owner }) => owner !== "" && Number(n) >= 64 / pods.length - 4)
    if (isShared) return
    yield* Effect.sleep("100 millis")
  }
  assert.fail(`not shared: ${pods.map(({ said }) => said()).join("\n")}`)
})

/** Pods that are asked in turn; one that is away is not. */
export class Pods {
  readonly all: Array<Service> = []
  readonly away = new Set<Service>()
  private turn = 0

  readonly url = (): string => {
    const there = this.all.filter((pod) => !this.away.has(pod))
    return there[this.turn++ % there.length]?.url ?? ""
  }

  replace(old: Service, by: Service): void {
    this.all[this.all.indexOf(old)] = by
  }
}

/** Three pods that have found each other; the first one may have settings of its own. */
export const threePods = Effect.fnUntraced(function*(url: string, ofFirst: Settings = {}) {
  const pods = new Pods()
  for (let n = 0; n < 3; n++) pods.all.push(yield* podOver(url, n === 0 ? ofFirst : {}))
  yield* settled(url, pods.all)
  return pods
})

/** Asks one of the pods. */
export const one = (pods: Pods, at: number, path: string, method: string, body?: unknown) =>
  Effect.orDie(call(`${pods.all[at]?.url}${path}`, method, body))
