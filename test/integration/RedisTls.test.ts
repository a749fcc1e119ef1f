/**
 * The service over a Redis that speaks TLS: `rediss://` believes no one but who has a certificate
 * of a known authority, for the name that was asked for.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { join } from "node:path"
import { certificates, hasOpenssl } from "../servers/Certificates.ts"
import { freePort } from "../servers/Process.ts"
import { redis } from "../servers/Redis.ts"
import { call, onFreePorts, runToEnd, serve, start, temporaryFolder } from "./Service.ts"

describe("the service over Redis with TLS", () => {
  it.live(
    "believes a known authority and the right name, and refuses to start without",
    (test) =>
      Effect.scoped(Effect.gen(function*() {
        if (!hasOpenssl) return test.skip("needs openssl to make certificates")
        const folder = yield* certificates
        const port = yield* freePort
        const server = yield* Effect.result(
          redis({
            "tls-port": String(port),
            "tls-cert-file": join(folder, "server.crt"),
            "tls-key-file": join(folder, "server.key"),
            "tls-ca-cert-file": join(folder, "ca.crt"),
            "tls-auth-clients": "no"
          })
        )
        if (server._tag === "Failure") return test.skip(server.failure.reason)
        const data = yield* temporaryFolder
        const over = (host: string) => ({
          ENABLE_REDIS: "1",
          REDIS_URL: `rediss://${host}:${port}`
        })
        const known = { NODE_EXTRA_CA_CERTS: join(folder, "ca.crt") }

        const stranger = yield* runToEnd(serve, { ...onFreePorts(data), ...over("localhost") })
        assert.deepStrictEqual([stranger.code, stranger.out], [69, ""], stranger.err)
        assert.include(stranger.err, "self-signed certificate in certificate chain")
        const misnamed = yield* runToEnd(serve, {
          ...onFreePorts(data),
          ...known,
          ...over("127.0.0.1")
        })
        assert.include(misnamed.err, "IP: 127.0.0.1 is not in the cert's list")

        const service = yield* start(data, { ...known, ...over("localhost") })
        const { status } = yield* call(`${service.url}/v1/topics/t/messages`, "POST", {
          payload: 1
        })
        assert.strictEqual(status, 202)
      })),
    60_000
  )
})
