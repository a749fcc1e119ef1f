/**
 * Empty databases of one server that the tests of a file share; without one here they are skipped.
 */
import { Effect, type Scope } from "effect"
import postgresClient from "postgres"
import type { NoServer } from "./NoServer.ts"
import { postgres, type Server } from "./Postgres.ts"
import { serving } from "./Serving.ts"

/** A server and databases of it. */
export interface Databases {
  readonly server: Effect.Effect<Server>
  /** The address of a new, empty database. */
  readonly newDatabase: Effect.Effect<string>
}

/** Starts a server for the tests of the file that calls this, and ends it after them. */
export const databases = (
  start: Effect.Effect<Server, NoServer, Scope.Scope> = postgres()
): Databases => {
  const server = serving(start)
  const state = { count: 0 }
  const newDatabase = Effect.flatMap(server, ({ url }) => {
    const name = `test_${++state.count}`
    return Effect.as(run(url(), `CREATE DATABASE ${name}`), url(name))
  })
  return { server, newDatabase }
}

/** What a statement returns in the database at an address, by a client of its own. */
export const rowsOf = (
  url: string,
  statement: string
): Effect.Effect<ReadonlyArray<Readonly<Record<string, unknown>>>> =>
  Effect.promise(async () => {
    const sql = postgresClient(url, { max: 1, onnotice: () => {} })
    const rows = await sql.unsafe(statement)
    await sql.end()
    return rows.map((row) => ({ ...row }))
  })

/** Runs a statement in the database at an address. */
export const run = (url: string, statement: string): Effect.Effect<void> =>
  Effect.asVoid(rowsOf(url, statement))
