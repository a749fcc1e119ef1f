/**
 * The other pods, each with a log of its own, and how they are asked: over HTTP, with a limit and a
 * breaker for each, so that one that stands still holds up others only for a moment.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Result from "effect/Result"
import type { CircuitPolicy } from "../../../domain/Circuit.ts"
import { LogUnavailable } from "../../../services/MessageLog.ts"
import * as CircuitBreaker from "../../drivers/circuit/CircuitBreaker.ts"
import { askTimeout } from "../Peers.ts"
import type { Others } from "../Pulling.ts"
import { type Ask, decodeError, fromBytes, type Refused, type Said, toBytes } from "../Wire.ts"
import type { ApartAsk } from "./ApartAsk.ts"
import { askPath } from "./PodServer.ts"
import type { Registered, Registry } from "./Registry.ts"

/** A pod is left alone only shortly: the registry tells soon whether it is gone. */
const circuitPolicy: CircuitPolicy = {
  failuresMax: 3,
  openFor: Duration.seconds(2),
  successesNeeded: 1
}

/** A pod that cannot be asked now. */
const unreached = (pod: string, why: string): LogUnavailable =>
  new LogUnavailable({ reason: "Io", detail: `the pod ${pod} did not answer: ${why}` })

/** The pods of a registry, by name. Mutable: each has a breaker. */
export class PodPeers implements Others<string> {
  private readonly registry: Registry
  private readonly http: HttpClient.HttpClient
  /** By token: a successor has none of the failures of who was before it. */
  private readonly breakers = new Map<string, CircuitBreaker.CircuitBreaker>()

  constructor(registry: Registry, http: HttpClient.HttpClient) {
    this.registry = registry
    this.http = http
  }

  get known(): ReadonlyArray<string> {
    return this.registry.others.map(({ pod }) => pod)
  }

  /** Whether there is such a pod. */
  has(pod: string): boolean {
    return this.registry.others.some((one) => one.pod === pod)
  }

  readonly ownerOf = (pod: string): string => pod

  readonly changed = (): Effect.Effect<void> => this.registry.changed()

  readonly ask = (
    pod: string,
    ask: ApartAsk | Ask,
    timeout = askTimeout
  ): Effect.Effect<Said, Refused> =>
    Effect.suspend((): Effect.Effect<Said, Refused> => {
      const found = this.registry.others.find((one) => one.pod === pod)
      if (found === undefined) return Effect.fail(unreached(pod, "it is not there"))
      return Effect.flatMap(this.send(found, ask, timeout), (said) =>
        said.error === undefined
          ? Effect.succeed(said)
          : Effect.fail(decodeError(said.error)))
    })

  /** Asks all others, and fails if one does not answer. */
  readonly gather = (ask: ApartAsk): Effect.Effect<ReadonlyArray<Said>, Refused> =>
    Effect.suspend(() =>
      Effect.forEach(this.known, (pod) => this.ask(pod, ask), { concurrency: "unbounded" })
    )

  /** Asks all others; who does not answer is passed over. */
  readonly tell = (ask: ApartAsk): Effect.Effect<void> =>
    Effect.suspend(() =>
      Effect.forEach(this.known, (pod) => Effect.ignore(this.ask(pod, ask)), {
        concurrency: "unbounded",
        discard: true
      })
    )

  private send(
    { pod, token, url }: Registered,
    ask: ApartAsk | Ask,
    timeout: Duration.Duration
  ): Effect.Effect<Said, LogUnavailable> {
    const request = HttpClientRequest.post(`${url}${askPath}`).pipe(
      HttpClientRequest.bearerToken(token),
      HttpClientRequest.bodyUint8Array(toBytes(ask), "application/json")
    )
    const sent = this.http.execute(request).pipe(
      Effect.flatMap((response) =>
        response.status === 200
          ? response.arrayBuffer
          : Effect.fail({ message: `status ${response.status}` })
      ),
      Effect.mapError(({ message }) => unreached(pod, message)),
      Effect.timeoutOrElse({
        duration: timeout,
        orElse: () => Effect.fail(unreached(pod, `not within ${Duration.format(timeout)}`))
      })
    )
    return Effect.flatMap(
      this.breakerOf(pod, token),
      (breaker) =>
        breaker.protect(sent, () => true).pipe(
          Effect.catchTag("CircuitOpen", ({ message }) => Effect.fail(unreached(pod, message))),
          Effect.flatMap((bytes) =>
            Effect.fromResult(Result.mapError(
              Result.try(() => fromBytes<Said>(new Uint8Array(bytes))),
              () => unreached(pod, "it is no pod that answers there")
            ))
          )
        )
    )
  }

  private breakerOf(pod: string, token: string): Effect.Effect<CircuitBreaker.CircuitBreaker> {
    return Effect.suspend(() => {
      const known = this.breakers.get(token)
      if (known !== undefined) return Effect.succeed(known)
      return Effect.map(CircuitBreaker.make(`the pod ${pod}`, circuitPolicy), (made) => {
        const there = new Set(this.registry.others.map((one) => one.token))
        for (const old of [...this.breakers.keys()]) if (!there.has(old)) this.breakers.delete(old)
        this.breakers.set(token, made)
        return made
      })
    })
  }
}
