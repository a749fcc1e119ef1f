/**
 * Scripts that a server carries out as one step.
 *
 * They are asked for by their hash and sent whole where the server does not know them: after a
 * restart, or at another node of a cluster.
 */
import { createHash } from "node:crypto"

/** A script in Lua, with its hash. */
export interface Script {
  /** For errors and metrics. */
  readonly name: string
  readonly lua: string
  readonly sha: string
}

/** A script. Keys that belong together share the part of their names in braces. */
export const script = (name: string, lua: string): Script => ({
  name,
  lua,
  sha: createHash("sha1").update(lua).digest("hex")
})
