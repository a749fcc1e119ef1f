/**
 * Locks over HTTP: leases that a client holds for as long as it renews them.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type Lease, LeaseMs, LeaseName, LeaseOwner } from "../../domain/Lease.ts"
import type { Leases } from "../../services/Leases.ts"
import { bodyObject, decoder, jsonBody } from "./BodyDecoding.ts"
import { isoOf } from "./MessageText.ts"
import { queryDecoder } from "./QueryDecoding.ts"
import { fieldInvalid, type Refusal } from "./Refusal.ts"
import { empty, json, type Request, type Route } from "./Web.ts"

const pattern = "/v1/locks/{name}"
const locked = { access: "lock", pattern, waits: false } as const

/** The routes of locks, `/v1/locks/{name}`. */
export const lockRoutes = (leases: Leases["Service"]): ReadonlyArray<Route> => [
  { ...locked, method: "POST", body: jsonBody, handle: acquire(leases) },
  { ...locked, method: "PUT", body: jsonBody, handle: renew(leases) },
  { ...locked, method: "DELETE", body: undefined, handle: release(leases) }
]

const Token = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))

/** The body of an acquisition. */
export const decodeAcquire = decoder(
  Schema.Struct({ leaseMs: LeaseMs, owner: Schema.optionalKey(LeaseOwner) })
)

/** The body of a renewal; the token says which lease is meant. */
export const decodeRenew = decoder(Schema.Struct({ leaseMs: LeaseMs, fencingToken: Token }))

/** The query of a release. */
export const decodeRelease = queryDecoder(
  Schema.Struct({ fencingToken: Schema.FiniteFromString.pipe(Schema.decodeTo(Token)) })
)

const nameOf = ({ params }: Request): Result.Result<LeaseName, Refusal> =>
  Result.mapError(
    Schema.decodeUnknownResult(LeaseName)(params["name"] ?? ""),
    () => fieldInvalid("name", "expected 1 to 200 letters, digits or . _ : - /")
  )

/** Who asks without a name is called by its key, or anonymous. */
const callerOf = ({ caller: { grant } }: Request): LeaseOwner =>
  LeaseOwner.make(grant === undefined ? "anonymous" : grant.id)

const shown = (status: 200 | 201, { expiresAt, fencingToken, name, owner }: Lease) =>
  json(status, { name, owner, fencingToken, expiresAt: isoOf(expiresAt) })

const acquire = (leases: Leases["Service"]) =>
  Effect.fnUntraced(function*(request: Request) {
    const name = yield* Effect.fromResult(nameOf(request))
    const { leaseMs, owner = callerOf(request) } = yield* Effect.fromResult(
      Result.flatMap(bodyObject(request.body), decodeAcquire)
    )
    return shown(201, yield* leases.acquire({ name, owner, leaseMs }))
  })

const renew = (leases: Leases["Service"]) =>
  Effect.fnUntraced(function*(request: Request) {
    const name = yield* Effect.fromResult(nameOf(request))
    const { fencingToken, leaseMs } = yield* Effect.fromResult(
      Result.flatMap(bodyObject(request.body), decodeRenew)
    )
    return shown(200, yield* leases.renew(lease(request, name, fencingToken), leaseMs))
  })

const release = (leases: Leases["Service"]) =>
  Effect.fnUntraced(function*(request: Request) {
    const name = yield* Effect.fromResult(nameOf(request))
    const { fencingToken } = yield* Effect.fromResult(decodeRelease(request.head.query))
    yield* leases.release(lease(request, name, fencingToken))
    return empty(204)
  })

/** The lease that a client means: name and token say which. */
const lease = (request: Request, name: LeaseName, fencingToken: number): Lease => ({
  name,
  owner: callerOf(request),
  fencingToken,
  expiresAt: 0
})
