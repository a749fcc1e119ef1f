/**
 * `npm run demo`: real webhooks through an embedded bus, with one bug, its dead letters and their
 * replay.
 *
 * Ends with 0 only when no message is unaccounted for.
 */
import { Array, Effect } from "effect"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { CodeFactory, layer } from "../../src/CodeFactory.ts"
import { balance, settled, subscriptionTable } from "./Accounts.ts"
import * as Handlers from "./Handlers.ts"
import { table } from "./Table.ts"
import { webhooks } from "./Webhooks.ts"

const program = Effect.gen(function*() {
  const findings = new Handlers.Findings()
  yield* attach("count-by-repository", "github.>", Handlers.countByRepository(findings))
  yield* attach("check-schema", "github.>", Handlers.checkSchema(findings))
  yield* attach("mirror-releases", "github.release.*", Handlers.mirrorReleases)
  const published = yield* Effect.scoped(withBug(findings))
  say(table(["busiest repositories", "webhooks"], largest(findings.repositories, 5)))
  say(`${findings.valid} payloads are valid by today's schemas, ${findings.outdated} are older.`)
  yield* withoutBug(findings)
  yield* balance(published)
  say("Every message is accounted for.")
})

/** Publishes everything while one handler has its bug; ends when nothing is pending. */
const withBug = Effect.fnUntraced(function*(findings: Handlers.Findings) {
  const { bus, publishMany } = yield* CodeFactory
  yield* attach("bill-owners", "github.>", Handlers.billOwners(findings))
  const published = Array.getSuccesses(yield* publishMany(webhooks()))
  say(`Published ${published.length} webhooks, durability "${bus.durability}".`)
  yield* settled
  say(yield* subscriptionTable)
  yield* balance(published)
  const letters = yield* bus.deadLetters({ subscription: "bill-owners" }, 0, 1_000)
  const [letter] = letters.toSorted((a, b) => a.message.topic < b.message.topic ? -1 : 1)
  say(`${letters.length} dead letters, each after ${letter?.attempts} attempts. One of them:`)
  say(`  ${letter?.error.split("\n")[0]}`)
  return published
})

/** Replays what failed, now that the handler is mended. */
const withoutBug = Effect.fnUntraced(function*(findings: Handlers.Findings) {
  const { bus } = yield* CodeFactory
  const letters = { subscription: "bill-owners" }
  yield* attach("bill-owners", "github.>", Handlers.billOwnersFixed(findings))
  const rehearsed = yield* bus.replay(letters, true)
  const done = yield* bus.replay(letters, false)
  say(
    `The bug is fixed. A dry run would replay ${rehearsed.replayed}; replayed ${done.replayed}, ` +
      `${done.remaining} remain.`
  )
  yield* settled
  say(yield* subscriptionTable)
  say(table(["billed owners", "webhooks"], largest(findings.owners, 5)))
})

/** Runs `handler` for every message that `topic` matches, with everything else at its default. */
const attach = (name: string, topic: string, handler: Handlers.Handler) =>
  CodeFactory.use((factory) => factory.handle(name, topic, handler))

const largest = (counts: ReadonlyMap<string, number>, most: number) =>
  [...counts].toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, most)

const say = (text: string): void => void process.stdout.write(`${text}\n\n`)

const directory = await mkdtemp(join(tmpdir(), "codefactory-demo-"))
try {
  await Effect.runPromise(
    program.pipe(Effect.scoped, Effect.provide(layer({ dataDir: directory })))
  )
} finally {
  await rm(directory, { recursive: true, force: true })
}
