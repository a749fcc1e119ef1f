/**
 * The service under test: `serve` in a process of its own, on free ports, in a fresh directory.
 */
import { mkdtemp, rm } from "node:fs/promises"
import { request } from "node:http"
import { join } from "node:path"
import { payloadOf } from "../Payloads.ts"
import { freePort, type Program, root, start } from "./Processes.ts"

/** A running service that has accepted one publish. */
export interface Server {
  readonly port: number
  readonly program: Program
  /** Milliseconds from starting the process to its first accepted publish. */
  readonly firstAcceptMs: number
  readonly stop: () => Promise<void>
}

/** Longest wait for the first accepted publish, in milliseconds. */
const startMax = 30_000

/** Starts the service and publishes until one message is accepted. */
export const startServer = async (): Promise<Server> => {
  const directory = await mkdtemp(join(root, ".run", "bench-"))
  const [port, metricsPort] = [await freePort(), await freePort()]
  const started = performance.now()
  const program = start("src/main.ts", ["serve"], {
    HOST: "127.0.0.1",
    PORT: String(port),
    METRICS_PORT: String(metricsPort),
    DATA_DIR: join(directory, "data"),
    RATE_LIMIT_MAX_REQUESTS: "0"
  })
  program.lines.resume()
  while (await publishStatus(port) !== 202) {
    if (performance.now() - started > startMax || program.child.exitCode !== null) {
      await program.stop()
      throw new Error("the service did not accept a publish")
    }
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  return {
    port,
    program,
    firstAcceptMs: performance.now() - started,
    stop: async () => {
      await program.stop()
      await rm(directory, { recursive: true, force: true })
    }
  }
}

/** The status of one publish; 0 while nobody listens. */
const publishStatus = (port: number): Promise<number> =>
  new Promise((resolve) => {
    const headers = { "content-type": "application/json" }
    const path = "/v1/topics/bench.start/messages"
    const call = request({ host: "127.0.0.1", port, path, method: "POST", headers }, (response) => {
      response.resume()
      response.on("end", () => resolve(response.statusCode ?? 0))
    })
    call.on("error", () => resolve(0))
    call.end(JSON.stringify({ payload: payloadOf(0) }))
  })
