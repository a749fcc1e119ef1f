/**
 * Servers under test, each in a process of its own, on free ports and in a fresh directory.
 */
import { rm } from "node:fs/promises"
import { request } from "node:http"
import { join, relative } from "node:path"
import { payloadOf } from "../Payloads.ts"
import { newDirectory } from "./Directory.ts"
import { freePort, nextLine, profiling, type Program, root, start, startDeno } from "./Processes.ts"

/** A running server that has accepted one publish. */
export interface Server {
  readonly port: number
  readonly program: Program
  /** Milliseconds from starting the process to its first accepted publish. */
  readonly firstAcceptMs: number
  readonly stop: () => Promise<void>
}

/** Starts a server. */
export type StartServer = () => Promise<Server>

/** Longest wait for the first accepted publish, in milliseconds. */
const startMax = 30_000

/** How the service runs. */
export interface ServiceOptions {
  readonly kept: "in memory" | "synced to disk"
  /** Under Deno, or from the bundle of `npm run build`; by Node from its sources unless set. */
  readonly as?: "Deno" | "bundle"
  /** Variables beside those that every service of the benchmark has. */
  readonly env?: Readonly<Record<string, string>>
}

/** The service, in its own process and directory. */
export const service = ({ as, env: more, kept }: ServiceOptions): StartServer => async () => {
  const directory = await newDirectory()
  const [port, metricsPort] = [await freePort(), await freePort()]
  const env = {
    HOST: "127.0.0.1",
    PORT: String(port),
    METRICS_PORT: String(metricsPort),
    DATA_DIR: join(directory, "data"),
    ENABLE_DATABASE: kept === "in memory" ? "0" : "1",
    RATE_LIMIT_MAX_REQUESTS: "0",
    // As `tools/run.mjs`, which starts the service for its users.
    NODE_COMPILE_CACHE: join(root, "node_modules", ".cache", "codefactory"),
    ...more
  }
  const script = as === "bundle" ? join(relative(root, await bundle()), "main.js") : "src/main.ts"
  const started = performance.now()
  const program = as === "Deno"
    ? startDeno(script, ["serve"], env)
    : start(script, ["serve"], env, profiling())
  program.lines.resume()
  await accepting(program, port, started)
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

const bundled: { directory?: Promise<string> } = {}

/** The directory of the bundle, made once. */
const bundle = (): Promise<string> => bundled.directory ??= makeBundle()

const makeBundle = async (): Promise<string> => {
  const { build } = await import("../../tools/build.ts") // Not loaded by whoever needs no bundle.
  const directory = await newDirectory()
  await build(directory)
  return directory
}

/** The service with its messages in memory. */
export const serviceInMemory = service({ kept: "in memory" })

/** The service with its messages synced to disk, as by default. */
export const serviceSynced = service({ kept: "synced to disk" })

/** The service from the bundle, with its messages in memory. */
export const bundledInMemory = service({ kept: "in memory", as: "bundle" })

/** The service from the bundle, with its messages synced to disk. */
export const bundledSynced = service({ kept: "synced to disk", as: "bundle" })

/** The service under Deno, with its messages in memory. */
export const denoInMemory = service({ kept: "in memory", as: "Deno" })

/** The service under Deno, with its messages synced to disk. */
export const denoSynced = service({ kept: "synced to disk", as: "Deno" })

/** A peer that prints its port. */
const peerAt = (script: string, run = start): StartServer => async () => {
  const started = performance.now()
  const program = run(script)
  const port = Number(await nextLine(program))
  await accepting(program, port, started)
  return { port, program, firstAcceptMs: performance.now() - started, stop: program.stop }
}

/** The server of `node:http` that sends back what it gets. */
export const echo = peerAt("bench/peers/Echo.ts")

/** The server of fastify that pushes what it gets to a queue of fastq. */
export const fastifyQueue = peerAt("bench/peers/FastifyQueue.ts")

/** The server of `Deno.serve` that sends back what it gets. */
export const denoEcho = peerAt("bench/peers/DenoEcho.mjs", startDeno)

/** The server of events on bare sockets. */
export const socketEvents = peerAt("bench/peers/SocketEvents.ts")

const accepting = async (program: Program, port: number, started: number): Promise<void> => {
  while (await publishStatus(port) !== 202) {
    if (performance.now() - started > startMax || program.child.exitCode !== null) {
      await program.stop()
      throw new Error("the server did not accept a publish")
    }
    await new Promise((resolve) => setTimeout(resolve, 2))
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
