/**
 * Empty databases of one server that the tests of a file share; without one here they are skipped.
 */
import { Effect, Exit, Scope } from "effect"
import postgresClient from "postgres"
import { afterAll, beforeAll, beforeEach } from "vitest"
import { NoServer } from "./NoServer.ts"
import { postgres, type Server } from "./Postgres.ts"

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
  const scope = Scope.makeUnsafe()
  const state = { server: notYet, count: 0 }
  beforeAll(async () => {
    state.server = await Effect.runPromiseExit(
      Effect.provideService(start, Scope.Scope, scope)
    )
  })
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))
  beforeEach(({ skip }) => {
    if (Exit.isFailure(state.server)) skip(NoServer.reasonOf(state.server.cause))
  })
  const server = Effect.orDie(Effect.suspend(() => state.server))
  const newDatabase = Effect.flatMap(server, ({ url }) => {
    const name = `test_${++state.count}`
    return Effect.as(run(url(), `CREATE DATABASE ${name}`), url(name))
  })
  return { server, newDatabase }
}

const notYet: Exit.Exit<Server, NoServer> = Exit.die("asked for before the tests")

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
