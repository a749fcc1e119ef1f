/**
 * The service over a PostgreSQL that speaks TLS: `sslmode=verify-full` believes no one but who has
 * a certificate of a known authority, for the name that was asked for.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { join } from "node:path"
import { certificates, hasOpenssl } from "../servers/Certificates.ts"
import { postgres } from "../servers/Postgres.ts"
import { call, onFreePorts, runToEnd, serve, start, temporaryFolder } from "./Service.ts"

describe("the service over PostgreSQL with TLS", () => {
  it.live(
    "believes a known authority and the right name, and refuses to start without",
    (test) =>
      Effect.scoped(Effect.gen(function*() {
        if (!hasOpenssl) return test.skip("needs openssl to make certificates")
        const folder = yield* certificates
        const server = yield* Effect.result(
          postgres({
            ssl: "on",
            ssl_cert_file: `'${join(folder, "server.crt")}'`,
            ssl_key_file: `'${join(folder, "server.key")}'`
          })
        )
        if (server._tag === "Failure") return test.skip(server.failure.reason)
        const data = yield* temporaryFolder
        const url = `${server.success.url()}?sslmode=verify-full`
        const known = { NODE_EXTRA_CA_CERTS: join(folder, "ca.crt") }
        const named = url.replace("127.0.0.1", "localhost")

        const stranger = yield* runToEnd(serve, { ...onFreePorts(data), DATABASE_URL: named })
        assert.deepStrictEqual([stranger.code, stranger.out], [74, ""], stranger.err)
        assert.include(stranger.err, "unable to verify the first certificate")
        const misnamed = yield* runToEnd(serve, {
          ...onFreePorts(data),
          ...known,
          DATABASE_URL: url
        })
        assert.include(misnamed.err, "IP: 127.0.0.1 is not in the cert's list")

        const service = yield* start(data, { ...known, DATABASE_URL: named })
        const { status } = yield* call(`${service.url}/v1/topics/t/messages`, "POST", {
          payload: 1
        })
        assert.strictEqual(status, 202)
      })),
    60_000
  )
})
