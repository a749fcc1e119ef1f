/**
 * Where an embedded bus keeps messages: what it is opened with, and what ends with it.
 */
import type { EmbeddedOptions } from "../src/services/EmbeddedOptions.ts"
import { withDirectory } from "./load/Directory.ts"
import { withPostgres } from "./load/Postgres.ts"
import type { Opened } from "./Workload.ts"

/** Opens a contender whose bus keeps messages somewhere that is new and ends with it. */
export type Keep = (open: (options: EmbeddedOptions) => Promise<Opened>) => Promise<Opened>

/** In a directory of its own. */
export const onDisk: Keep = (open) => withDirectory((dataDir) => open({ dataDir }))

/** In a PostgreSQL of its own. */
export const inPostgres: Keep = (open) => withPostgres((databaseUrl) => open({ databaseUrl }))
