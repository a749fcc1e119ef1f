/**
 * The simulation: a list of commands against a bus, then everything heals and must become quiet.
 */
import { draft } from "../layers/bus/Drafts.ts"
import type { Command, Mix } from "./Commands.ts"
import { pull, settle } from "./Consumers.ts"
import { checkAlways, checkIdle, checkLeaks, checkTotals, isQuiet } from "./Invariants.ts"
import { attach, detach, operate, release } from "./Operators.ts"
import { perform } from "./Performing.ts"
import { publish } from "./Publishers.ts"
import { type LogKind, Run } from "./Run.ts"
import { resumeAll } from "./ShardOperators.ts"

/** Simulated milliseconds in which everything must be settled once all is well. */
const quietMsMax = 120_000

/** As above when dead letters or own rows have little room: failures come back each minute. */
const crampedMsMax = 1_500_000

/** What a run found. */
export interface Outcome {
  readonly violations: ReadonlyArray<string>
  readonly coverage: ReadonlyMap<string, number>
  readonly trace: number
}

/** Runs the commands under a seed. The same of both gives the same outcome. */
export const simulate = async (
  seed: number,
  kind: LogKind,
  { more }: Mix,
  commands: ReadonlyArray<Command>
): Promise<Outcome> => {
  const run = new Run(seed, kind, more)
  try {
    await run.open()
    run.world.onIdle = () => checkIdle(run)
    for (const command of commands) {
      await perform(run, command)
      check(run)
    }
    await finish(run)
  } catch (error) {
    run.violations.push(error instanceof Breached ? error.message : String(error))
  }
  return { violations: run.violations, coverage: run.coverage, trace: run.trace }
}

/** Ends a run at its first breach. */
class Breached extends Error {}

const check = (run: Run): void => {
  run.watchDisk()
  checkAlways(run)
  if (run.violations.length > 0) throw new Breached("the run was ended")
}

/** Everything heals: what was accepted must be settled, and nothing be left behind. */
const finish = async (run: Run): Promise<void> => {
  run.faulty = false
  run.disk.faults = { delayMsMax: run.disk.faults.delayMsMax, failing: 0 }
  await run.world.advance(3_000) // Calls under way end, and commits that failed are made again.
  resumeAll(run)
  await waitUntil(run, "changes of subscriptions", () => run.busy.size === 0)
  await settleAll(run)
  await run.world.advance(61_000) // What waits for a deleted subscription goes as well.
  const missing = run.deliveries.missing(run.world.now)
  if (missing.length > 0) run.breach(1, `lost: ${missing.slice(0, 5).join("; ")}`)
  await run.followers.finish()
  checkTotals(run)
  checkLeaks(run)
  check(run)
  publish(run, [draft("a.x", "the last")])
  await run.world.advance(1_000)
  check(run)
}

const waitUntil = async (run: Run, what: string, isDone: () => boolean): Promise<void> => {
  const { deadLettersMax, ownRows } = run.options
  const isCramped = deadLettersMax < 10 || ownRows.countMax < 10
  for (let waited = 0; !isDone(); waited += 100) {
    if (waited > (isCramped ? crampedMsMax : quietMsMax)) {
      const states = [...run.node.core.consumers.values()].flatMap((consumer) =>
        [...consumer.unsettled()].slice(0, 2).map(({ attempts, entry, state }) =>
          `${consumer.snapshot().name} has ${entry.message.payload} in state ${state}, ` +
          `attempt ${attempts}, live ${consumer.live}, read ahead ${consumer.readAheadCount}`
        )
      )
      run.breach(12, `${what} never end: ${states.join(", ")}`)
    }
    await run.world.advance(100)
    check(run)
  }
}

/**
 * Half of the subscriptions get a handler that succeeds, the others a consumer; dead letters are
 * replayed, and parked ones released, until none is left.
 */
const settleAll = async (run: Run): Promise<void> => {
  const { core } = run.node
  const names = [...core.consumers.keys()]
  const isHandled = (name: string): boolean => (run.seed + name.charCodeAt(1)) % 2 === 0
  names.forEach((name) => isHandled(name) ? attach(run, name, 0) : detach(run, name))
  await waitUntil(run, "deliveries", () => {
    const lettersOf = (name: string): number => core.consumers.get(name)?.totals.deadLetters ?? 0
    names.forEach((name) => {
      if (lettersOf(name) > 0) operate(run, "replay", name, 1)
      if ((core.consumers.get(name)?.totals.parked ?? 0) > 0) release(run, name)
    })
    if (
      isQuiet(run) && run.log.delayed.size === 0 && names.every((name) => lettersOf(name) === 0)
    ) return true
    names.filter((name) => !run.node.attached.has(name)).forEach((name) => {
      pull(run, name, 20, 0)
      settle(run, { kind: "ack", name, share: 1, delayMs: 0 })
    })
    return false
  })
}
