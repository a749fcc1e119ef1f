/**
 * Leases that a running bus grants, asked for over its HTTP API.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { LeaseOwner } from "../../domain/Lease.ts"
import { LeaseHeld, LeaseLost, Leases, LeasesUnavailable } from "../../services/Leases.ts"
import { type BusClient, type ClientError, problemText } from "./BusClient.ts"

const Granted = Schema.Struct({
  owner: LeaseOwner,
  fencingToken: Schema.Int,
  expiresAt: Schema.String
})

/** How a refusal says when to try again. */
const decodeHeld = Schema.decodeUnknownResult(Schema.Struct({ retryAfterMs: Schema.Int }))

/** The leases of a bus. What it refuses for another reason than a holder is no lease either. */
export const make = ({ request }: BusClient): Leases["Service"] => {
  const path = (name: string): string => `/v1/locks/${encodeURIComponent(name)}`
  return Leases.of({
    scope: "cluster",
    acquire: ({ leaseMs, name, owner }) =>
      request(Granted, "POST", path(name), { json: { leaseMs, owner } }).pipe(
        Effect.mapBoth({
          onFailure: (error) => {
            const held = error._tag === "RequestRefused" && error.status === 409
              ? decodeHeld(error.body)
              : undefined
            return held !== undefined && Result.isSuccess(held)
              ? new LeaseHeld({ name, ...held.success })
              : unavailable(error)
          },
          onSuccess: ({ expiresAt, ...granted }) => ({
            ...granted,
            name,
            expiresAt: millisOf(expiresAt)
          })
        })
      ),
    renew: (lease, leaseMs) =>
      request(Granted, "PUT", path(lease.name), {
        json: { leaseMs, fencingToken: lease.fencingToken }
      }).pipe(
        Effect.mapBoth({
          onFailure: lostOr(lease.name),
          onSuccess: ({ expiresAt }) => ({ ...lease, expiresAt: millisOf(expiresAt) })
        })
      ),
    release: (lease) =>
      request(
        Schema.Unknown,
        "DELETE",
        `${path(lease.name)}?fencingToken=${lease.fencingToken}`
      ).pipe(Effect.mapError(lostOr(lease.name)), Effect.asVoid)
  })
}

/** Times come as texts of ISO 8601. */
const millisOf = (text: string): number => Date.parse(text) // Reads no clock.

const lostOr = (name: string) => (error: ClientError): LeaseLost | LeasesUnavailable =>
  error._tag === "RequestRefused" && error.status === 409
    ? new LeaseLost({ name })
    : unavailable(error)

const unavailable = (error: ClientError): LeasesUnavailable =>
  new LeasesUnavailable({
    detail: error._tag === "RequestRefused" ? problemText(error.body, error.status) : error.message
  })
