/**
 * One Redis: commands and scripts by name over it, with a limit on every call and a breaker.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type { CircuitPolicy } from "../../../domain/Circuit.ts"
import { RedisUnopened } from "../../../services/RedisUnopened.ts"
import { type RedisCounts, redisCounts } from "../../observe/RedisCounts.ts"
import * as CircuitBreaker from "../circuit/CircuitBreaker.ts"
import { type Address, parse } from "./Address.ts"
import { Calls } from "./Calls.ts"
import * as Client from "./Client.ts"
import { failureOf, isOutage, RedisFailed } from "./Failure.ts"
import * as Listening from "./Listening.ts"
import { type Script, script } from "./Script.ts"

/** How a Redis is reached. */
export interface RedisOptions {
  /** See `Address.ts`. */
  readonly url: Redacted.Redacted
  /** Instead of those in the address. */
  readonly username?: string | undefined
  readonly password?: Redacted.Redacted | undefined
  /** Begins every key and channel, so that environments may share a server. */
  readonly prefix: string
  readonly circuit?: CircuitPolicy
}

/** A dependency's breaker. Source: design, P9. */
export const circuitPolicy: CircuitPolicy = {
  failuresMax: 5,
  openFor: Duration.seconds(60),
  successesNeeded: 3
}

/** The Redis of this program. */
export class Redis extends Context.Service<Redis, {
  /** The key of something; `tag` is what keys that a script uses together have in common. */
  readonly key: (kind: string, tag: string) => string
  /** The full name of a channel, for scripts that publish. */
  readonly channel: (name: string) => string
  /** A command with its arguments; `name` is for errors and metrics. */
  readonly command: (
    name: string,
    command: string,
    ...args: ReadonlyArray<string>
  ) => Effect.Effect<unknown, RedisFailed>
  /** Carries out a script over these keys. */
  readonly run: (
    script: Script,
    keys: ReadonlyArray<string>,
    ...args: ReadonlyArray<string | number>
  ) => Effect.Effect<unknown, RedisFailed>
  /**
   * Moves what somebody else wrote under a key out of the way, where it can be looked at for a
   * week.
   */
  readonly setAside: (key: string) => Effect.Effect<void, RedisFailed>
  /** Hears a channel until the scope closes, also across lost connections. */
  readonly listen: Listening.Listen
  /** Whether keys may lie at several nodes: then a script has those of one tag. */
  readonly isCluster: boolean
  readonly circuit: () => "Closed" | "Open" | "HalfOpen"
}>()("codefactory/layers/drivers/redis/Redis") {}

/** Connects, and makes sure that everything that is used works; ends with the scope. */
export const make = Effect.fnUntraced(function*(options: RedisOptions) {
  const address = yield* addressOf(options)
  const counts = yield* redisCounts
  const client = yield* connected(address)
  const breaker = yield* CircuitBreaker.make("Redis", options.circuit ?? circuitPolicy)
  client.on("ready", breaker.seen) // Connected again: no need to wait for the end of its time.
  counts.circuit = breaker.state
  counts.isConnected = () => client.status === "ready"

  const ask = yield* asking(client, breaker, counts)

  const redis = Redis.of({
    key: (kind, tag) => `${options.prefix}${kind}:{${tag}}`,
    channel: (name) => `${options.prefix}${name}`,
    command: (name, command, ...args) => ask(name, () => client.call(command, ...args)),
    run: ({ lua, name, sha }, keys, ...args) =>
      ask(
        name,
        () =>
          client.evalsha(sha, keys.length, ...keys, ...args).catch((cause: unknown) =>
            isUnknownScript(cause)
              ? client.eval(lua, keys.length, ...keys, ...args)
              : Promise.reject(cause)
          )
      ),
    setAside: (key) => {
      const aside = `${options.prefix}quarantine:${key.slice(options.prefix.length)}`
      counts.quarantined++
      return Effect.andThen(
        Effect.logWarning(`what stands under ${key} was not written here; it is moved to ${aside}`),
        Effect.asVoid(
          ask("quarantine", () => client.eval(moving, 2, key, aside, quarantineMs))
        )
      )
    },
    listen: yield* Listening.make(address, options.prefix),
    isCluster: address.mode === "cluster",
    circuit: breaker.state
  })
  yield* fit(redis)
  return redis
})

/** Asks in one step, without a fibre for each part: it runs for each command (hot path). */
const asking = Effect.fnUntraced(function*(
  client: Client.Client,
  breaker: CircuitBreaker.CircuitBreaker,
  counts: RedisCounts
) {
  const calls = yield* Effect.acquireRelease(
    Effect.sync(() => new Calls(client, breaker.seen)),
    (all) => Effect.sync(() => all.close())
  )

  return (name: string, send: () => Promise<unknown>): Effect.Effect<unknown, RedisFailed> =>
    Effect.callback((resume) => {
      const fail = (failure: RedisFailed) => {
        counts.failed(failure.reason)
        resume(Effect.fail(failure))
      }
      const end = breaker.begin()
      if (typeof end !== "function") {
        fail(new RedisFailed({ reason: "Unsent", command: name, detail: end.message }))
        return
      }
      const askedAt = performance.now()
      calls.make(send, (outcome) => {
        counts.command(name).add(performance.now() - askedAt)
        if (outcome._tag === "Reply") {
          end("Succeeded")
          resume(Effect.succeed(outcome.reply))
          return
        }
        const failure = failureOf(name, outcome.cause)
        end(isOutage(failure) ? "Failed" : "Succeeded")
        fail(failure)
      })
      return Effect.sync(() => end("Abandoned"))
    })
})

/** How long what was set aside is kept, in milliseconds. */
const quarantineMs = 7 * 86_400_000

const moving = "redis.call('RENAME', KEYS[1], KEYS[2]); redis.call('PEXPIRE', KEYS[2], ARGV[1])"

/** The Redis as a layer. */
export const layer = (options: RedisOptions): Layer.Layer<Redis, RedisUnopened> =>
  Layer.effect(Redis, make(options))

const isUnknownScript = (cause: unknown): boolean =>
  cause instanceof Error && cause.message.startsWith("NOSCRIPT")

const addressOf = ({ password, url, username }: RedisOptions) =>
  Result.match(parse(Redacted.value(url)), {
    onFailure: (detail) => Effect.fail(new RedisUnopened({ reason: "Address", detail })),
    onSuccess: (address): Effect.Effect<Address> =>
      Effect.succeed({
        ...address,
        username: username ?? address.username,
        password: password === undefined ? address.password : Redacted.value(password)
      })
  })

/** A client that is connected; the first failure is told, later ones are tried again. */
const connected = (
  address: Address
): Effect.Effect<Client.Client, RedisUnopened, Scope.Scope> =>
  Effect.gen(function*() {
    const state: { error: unknown } = { error: undefined }
    const client = yield* Effect.acquireRelease(
      Effect.sync(() => {
        const made = Client.make(address, "commands")
        made.on("error", (error: unknown) => {
          state.error = error
        })
        return made
      }),
      (made) => Effect.sync(() => made.disconnect())
    )
    yield* Effect.tryPromise({
      try: () => client.connect(),
      catch: (error) => unopened(failureOf("connect", state.error ?? error))
    }).pipe(
      Effect.timeoutOrElse({
        duration: Duration.millis(Client.callLimits.connectMs + Client.callLimits.commandMs),
        orElse: () =>
          Effect.fail(unopened(failureOf("connect", state.error ?? new Error("no answer in time"))))
      })
    )
    return client
  })

const unopened = ({ detail, reason }: RedisFailed): RedisUnopened =>
  new RedisUnopened({
    reason: reason === "Denied" || /WRONGPASS|NOAUTH/.test(detail)
      ? "Denied"
      : reason === "Full" || reason === "Refused" || reason === "Damaged"
      ? "Unfit"
      : "Away",
    detail
  })

/** Writes and reads as everything here does: in a script, with the time of the server. */
const fit = (redis: Redis["Service"]): Effect.Effect<void, RedisUnopened> =>
  redis.run(probe, [redis.key("probe", "start")], 10_000).pipe(
    Effect.mapError(unopened),
    Effect.asVoid
  )

const probe = script(
  "probe",
  `redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
return redis.call('TIME')`
)
