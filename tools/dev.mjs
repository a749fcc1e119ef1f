/**
 * `npm run dev`: the service with agents that are loaded again when their files change.
 *
 * AGENTS_DIR is the directory; without, the examples.
 */
import process from "node:process"
import { run } from "./run.mjs"

process.env.AGENTS_DIR ||= "examples/agents"
process.env.AGENTS_WATCH ||= "1"
await run("src/main.ts", ["serve", ...process.argv.slice(2)])
