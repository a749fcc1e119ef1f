/**
 * The service over a PostgreSQL that speaks TLS: `sslmode=verify-full` believes no one but who has
 * a certificate of a known authority, for the name that was asked for.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { spawnSync } from "node:child_process"
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { postgres } from "../servers/Postgres.ts"
import { call, onFreePorts, runToEnd, serve, start, temporaryFolder } from "./Service.ts"

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0

const openssl = (cwd: string, args: string): void => {
  const { status, stderr } = spawnSync("openssl", args.split(" "), { cwd, encoding: "utf8" })
  if (status !== 0) throw new Error(stderr)
}

/** An authority, and a certificate of it for `localhost`, where the server may read its key. */
const certificates: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = mkdtempSync(join(tmpdir(), "codefactory-tls-"))
    const key = "-newkey rsa:2048 -nodes -days 2"
    openssl(folder, `req -x509 ${key} -keyout ca.key -out ca.crt -subj /CN=authority`)
    openssl(folder, `req ${key} -keyout server.key -out server.csr -subj /CN=localhost`)
    writeFileSync(join(folder, "names"), "subjectAltName=DNS:localhost\n")
    const signing = "-CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names"
    openssl(folder, `x509 -req -in server.csr ${signing} -out server.crt`)
    chmodSync(folder, 0o755)
    chmodSync(join(folder, "server.key"), 0o600)
    if (process.getuid?.() === 0) chownSync(join(folder, "server.key"), 65_534, 65_534)
    return folder
  }),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

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
