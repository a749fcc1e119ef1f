/**
 * The simulation: a list of commands against a bus, then everything heals and must become quiet.
 */
import { Exit, Scope } from "effect"
import { draft } from "../layers/bus/Drafts.ts"
import type { Command, Mix } from "./Commands.ts"
import { pull, settle } from "./Consumers.ts"
import { checkAlways, checkIdle, checkLeaks, checkTotals, isQuiet } from "./Invariants.ts"
import { attach, create, detach, operate, remove } from "./Operators.ts"
import { publish } from "./Publishers.ts"
import { type LogKind, Run } from "./Run.ts"

/** Simulated milliseconds in which everything must be settled once all is well. */
const quietMsMax = 120_000

/** As above when dead letters find room for a few at a time: failures come back each minute. */
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

const perform = async (run: Run, { action, ms, tasks }: Command): Promise<void> => {
  run.watchDisk()
  switch (action.kind) {
    case "publish":
      publish(run, action.drafts)
      break
    case "create":
      if (!run.busy.has(action.name)) create(run, action.name, action.options)
      break
    case "delete":
      if (!run.busy.has(action.name)) remove(run, action.name)
      break
    case "attach":
      if (!run.busy.has(action.name)) attach(run, action.name, action.badness)
      break
    case "detach":
      if (!run.busy.has(action.name)) detach(run, action.name)
      break
    case "pull":
      pull(run, action.name, action.max, action.waitMs)
      break
    case "ack":
    case "nack":
    case "extend":
      settle(run, action)
      break
    case "replay":
    case "dryRun":
    case "deleteLetters":
      operate(run, action.kind, action.name, action.share)
      break
    case "failNext":
      run.failNext(action.reason)
      break
    case "failing":
      run.disk.faults = { ...run.disk.faults, failing: action.share }
      break
    case "heal":
      run.disk.faults = { ...run.disk.faults, failing: 0 }
      break
    case "restart":
      await restart(run)
      break
    case "crash":
      await crash(run, action.how)
  }
  run.saw(`command ${action.kind}`)
  await run.world.run(tasks)
  if (await run.world.isIdle()) await checkIdle(run)
  if (ms > 0) await run.world.advance(ms)
}

/** The longest a success in process may take to reach a log that is well. */
const durableAfterMs = ({ disk }: Run): number => 110 + 8 * disk.faults.delayMsMax

const crash = async (run: Run, how: "Killed" | "PowerCut"): Promise<void> => {
  await run.world.kill(run.node.process)
  await run.ended(run.disk.crash(how), run.world.process())
  const latest = run.world.now - durableAfterMs(run)
  // A failed commit is made again after a second.
  const durableUntil = Math.min(latest, run.troubleAt > latest - 2_500 ? -Infinity : latest)
  await reopen(run, how, durableUntil)
  run.saw(`crash ${how}`)
}

const restart = async (run: Run): Promise<void> => {
  const { process, scope } = run.node
  const wasWell = run.world.now - run.troubleAt > 2_500
  run.disk.faults = { ...run.disk.faults, failing: 0 }
  await run.ended(Scope.close(scope, Exit.void))
  run.watchDisk()
  await run.world.kill(process)
  const isWell = wasWell && run.world.now > run.troubleAt
  await reopen(run, "Closed", isWell ? run.world.now : -Infinity)
}

const reopen = async (
  run: Run,
  how: "Closed" | "Killed" | "PowerCut",
  durableUntil: number
): Promise<void> => {
  run.busy.clear()
  run.deliveries.restarted(how, durableUntil, run.world.now)
  await run.open()
}

/** Everything heals: what was accepted must be settled, and nothing be left behind. */
const finish = async (run: Run): Promise<void> => {
  run.faulty = false
  run.disk.faults = { delayMsMax: run.disk.faults.delayMsMax, failing: 0 }
  await run.world.advance(3_000) // Calls under way end, and commits that failed are made again.
  await waitUntil(run, "changes of subscriptions", () => run.busy.size === 0)
  await settleAll(run)
  await run.world.advance(61_000) // What waits for a deleted subscription goes as well.
  const missing = run.deliveries.missing(run.world.now)
  if (missing.length > 0) run.breach(1, `lost: ${missing.slice(0, 5).join("; ")}`)
  checkTotals(run)
  checkLeaks(run)
  check(run)
  publish(run, [draft("a.x", "the last")])
  await run.world.advance(1_000)
  check(run)
}

const waitUntil = async (run: Run, what: string, isDone: () => boolean): Promise<void> => {
  for (let waited = 0; !isDone(); waited += 100) {
    if (waited > (run.options.deadLettersMax < 10 ? crampedMsMax : quietMsMax)) {
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
 * replayed until none is left.
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
    })
    if (isQuiet(run) && names.every((name) => lettersOf(name) === 0)) return true
    names.filter((name) => !run.node.attached.has(name)).forEach((name) => {
      pull(run, name, 20, 0)
      settle(run, { kind: "ack", name, share: 1, delayMs: 0 })
    })
    return false
  })
}
