/**
 * Certificates for servers of tests, made by openssl.
 */
import { Effect, type Scope } from "effect"
import { spawnSync } from "node:child_process"
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"

/** Whether they can be made here. */
export const hasOpenssl = spawnSync("openssl", ["version"]).status === 0

const openssl = (cwd: string, args: string): void => {
  const { status, stderr } = spawnSync("openssl", args.split(" "), { cwd, encoding: "utf8" })
  if (status !== 0) throw new Error(stderr)
}

/** An authority, and a certificate of it for `localhost`, where the server may read its key. */
export const certificates: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
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
