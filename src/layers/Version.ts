/**
 * The version of the program, as `package.json` states it.
 */
import build from "../../package.json" with { type: "json" }

/** Semantic version. */
export const version: string = build.version
