/**
 * `npm run demo`: real webhooks through an embedded bus and the agents beside it, with forgeries,
 * one bug, their dead letters and a replay.
 *
 * Ends with 0 only when no message is unaccounted for.
 */
import { Array, Effect, References } from "effect"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Agents, CodeFactory, layer } from "../../src/CodeFactory.ts"
import { balance, settled, subscriptionTable } from "./Accounts.ts"
import * as Handlers from "./Handlers.ts"
import { table } from "./Table.ts"
import { forgedCount, forgeries, secret, webhooks } from "./Webhooks.ts"

const program = Effect.gen(function*() {
  const findings = new Handlers.Findings()
  yield* sayAgents
  yield* attach("ledger", ">", Handlers.keepLedger(findings))
  yield* attach("count-by-repository", "github.>", Handlers.countByRepository(findings))
  yield* attach("mirror-releases", "github.release.*", Handlers.mirrorReleases)
  yield* attach("orders", "github.marketplace_purchase.*", Handlers.takeOrder)
  yield* attach("mailer", "mail.requested", Handlers.takeMail(findings))
  yield* Effect.scoped(withBug(findings))
  say(table(["busiest repositories", "webhooks"], largest(findings.repositories, 5)))
  const outdated = findings.topics.get("audits.outdated") ?? 0
  say(
    `${webhooks().length - outdated} payloads are valid by today's schemas, ${outdated} are older.`
  )
  const [mail] = findings.mails.map(({ text }) => text).toSorted()
  say(`${findings.mails.length} receipts are to be mailed. One of them:`)
  say(`  ${mail?.replaceAll("\n", "\n  ")}`)
  yield* withoutBug(findings)
  yield* balance(findings.topics)
  say("Every message is accounted for.")
})

/** One that is not there is named; the accounts will not balance then. */
const sayAgents = Effect.map(Agents, (agents) => {
  const { failed, loaded } = agents.snapshot()
  failed.forEach(({ agent, reason }) => say(`The agent ${agent} failed: ${reason}`))
  say(`Agents: ${loaded.map(({ agent }) => agent).join(", ")}.`)
})

/** Publishes everything while one handler has its bug; ends when nothing is pending. */
const withBug = Effect.fnUntraced(function*(findings: Handlers.Findings) {
  const { bus, publishMany } = yield* CodeFactory
  yield* attach("bill-owners", "github.>", Handlers.billOwners(findings))
  const accepted = Array.getSuccesses(yield* publishMany([...webhooks(), ...forgeries()]))
  say(
    `Published ${accepted.length - forgedCount} webhooks and ${forgedCount} forgeries, ` +
      `durability "${bus.durability}".`
  )
  yield* settled
  say(yield* subscriptionTable)
  yield* balance(findings.topics)
  const forged = yield* bus.deadLetters({ subscription: "signatures" }, 0, 1_000)
  say(`${forged.length} forgeries are dead letters: ${firstLine(forged[0]?.error)}`)
  const letters = yield* bus.deadLetters({ subscription: "bill-owners" }, 0, 1_000)
  const [letter] = letters.toSorted((a, b) => a.message.topic < b.message.topic ? -1 : 1)
  say(`${letters.length} dead letters, each after ${letter?.attempts} attempts. One of them:`)
  say(`  ${firstLine(letter?.error)}`)
})

const firstLine = (text = ""): string => text.split("\n")[0] ?? ""

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

process.env["GITHUB_WEBHOOK_SECRET"] = secret
const agentsDir = join(import.meta.dirname, "..", "agents")
const directory = await mkdtemp(join(tmpdir(), "codefactory-demo-"))
try {
  await Effect.runPromise(
    program.pipe(
      Effect.scoped,
      Effect.provide(layer({ dataDir: directory, agentsDir, executorThreads: 1 })),
      Effect.provideService(References.MinimumLogLevel, "Warn")
    )
  )
} finally {
  await rm(directory, { recursive: true, force: true })
}
