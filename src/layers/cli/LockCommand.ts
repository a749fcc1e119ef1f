/**
 * `codefactory lock`: runs a command while it holds a lock that a bus grants.
 */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as ChildProcess from "effect/process/ChildProcess"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import { type Lease, leaseMsRange, LeaseName, LeaseOwner } from "../../domain/Lease.ts"
import { withLease } from "../../services/Holding.ts"
import { Leases } from "../../services/Leases.ts"
import { make } from "./BusClient.ts"
import { apiKey, text, url, whole, WrongUsage } from "./Flags.ts"
import { note } from "./Output.ts"
import * as RemoteLeases from "./RemoteLeases.ts"

/** Seconds that a lease lasts after its last renewal, unless told otherwise. */
const leaseSecondsDefault = 30

/** Who holds it, unless told otherwise. */
const ownerDefault = "codefactory lock"

/** Longest wait that can be asked for, in seconds. */
const waitSecondsMax = 86_400

/** How often it is looked whether the lock is free, in milliseconds. */
const everyMs = 500

/** How long the command has to end when it is told to. */
const killAfter = Duration.seconds(5)

/** The command ended with a code of its own, which becomes that of this program. */
export class CommandEnded extends Data.TaggedError("CommandEnded")<{ readonly code: number }> {
  override readonly [Runtime.errorExitCode] = this.code
}

const input = {
  name: Argument.String("name").pipe(Argument.withDescription("Name of the lock")),
  command: Argument.String("command").pipe(
    Argument.withDescription("The command and its arguments, after --"),
    Argument.variadic({ min: 1 })
  ),
  lease: whole(
    "lease",
    leaseMsRange.minimum / 1_000,
    leaseMsRange.maximum / 1_000,
    `Seconds until others get the lock when this is lost (default: ${leaseSecondsDefault})`
  ),
  wait: whole(
    "wait",
    0,
    waitSecondsMax,
    "Seconds to wait while another holds it; 0 gives up at once (default: as long as it takes)"
  ),
  owner: text("owner", `Who holds it, for those who ask (default: ${ownerDefault})`),
  url,
  apiKey
}

/**
 * `codefactory lock`. The command knows the fencing token as `CODEFACTORY_FENCING_TOKEN`. It is
 * told to end when the lock is lost, and its exit code is that of this one.
 */
export const lock = Command.make(
  "lock",
  input,
  (asked) =>
    Effect.interruptible(Effect.gen(function*() {
      const [file = "", ...args] = asked.command
      const bus = yield* make(asked)
      const name = yield* decoded(LeaseName, "NAME", asked.name)
      const owner = yield* decoded(
        LeaseOwner,
        "--owner",
        Option.getOrElse(asked.owner, () => ownerDefault)
      )
      const leaseMs = Option.getOrElse(asked.lease, () => leaseSecondsDefault) * 1_000
      const waitMs = Option.getOrElse(asked.wait, () => waitSecondsMax) * 1_000
      yield* withLease(
        { name, owner, leaseMs },
        (lease) => run(file, args, lease),
        { everyMs, waitMs }
      ).pipe(Effect.provideService(Leases, telling(RemoteLeases.make(bus), waitMs > 0)))
    }))
).pipe(
  Command.withDescription("Run a command while holding a lock; one at a time, wherever it runs"),
  Command.withExamples([
    { command: "codefactory lock nightly-report --wait 0 -- ./report.sh" }
  ])
)

/** Says once why there is a wait. */
const telling = (leases: Leases["Service"], isWaiting: boolean): Leases["Service"] => {
  const state = { isTold: !isWaiting }
  return {
    ...leases,
    acquire: (request) =>
      Effect.tapError(leases.acquire(request), ({ message }) => {
        if (state.isTold) return Effect.void
        state.isTold = true
        return note(`waiting: ${message}`)
      })
  }
}

const decoded = <A>(schema: Schema.Decoder<A>, what: string, found: string) =>
  Effect.mapError(
    Schema.decodeUnknownEffect(schema)(found),
    ({ message }) => new WrongUsage({ message: `${what}: ${message}` })
  )

/** Runs it with the terminal of this program; it ends with the scope. */
const run = (file: string, args: ReadonlyArray<string>, { fencingToken }: Lease) =>
  Effect.scoped(Effect.gen(function*() {
    const child = yield* ChildProcess.make(file, [...args], {
      stdin: "inherit",
      stdout: "inherit",
      stderr: "inherit",
      env: { CODEFACTORY_FENCING_TOKEN: String(fencingToken) },
      extendEnv: true,
      forceKillAfter: killAfter
    })
    const code = yield* child.exitCode
    if (code !== 0) return yield* new CommandEnded({ code })
  }))
