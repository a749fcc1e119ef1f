/**
 * What runs the program: Node or Deno.
 */
import process from "node:process"

/** Its name and version. Deno calls itself a version of Node as well. */
export interface Runtime {
  readonly name: "node" | "deno"
  readonly version: string
}

/** The one that runs this process. */
export const runtime: Runtime = process.versions["deno"] === undefined
  ? { name: "node", version: process.versions.node }
  : { name: "deno", version: process.versions["deno"] }
