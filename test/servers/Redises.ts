/** One Redis that the tests of a file share. */
import { Effect } from "effect"
import { beforeEach } from "vitest"
import { redis, type Server } from "./Redis.ts"
import { serving } from "./Serving.ts"

/** A server for the tests beside the call, emptied before each. */
export const redisServer = (
  settings: Readonly<Record<string, string>> = {}
): Effect.Effect<Server> => {
  const server = serving(redis(settings))
  beforeEach(() => Effect.runPromise(Effect.map(server, ({ cli }) => cli("FLUSHALL"))))
  return server
}
