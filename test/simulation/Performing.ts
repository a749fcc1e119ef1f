/**
 * What each command does to a simulated bus.
 */
import { Exit, Scope } from "effect"
import { noFates } from "../../src/domain/Fate.ts"
import type { Command } from "./Commands.ts"
import { pull, settle } from "./Consumers.ts"
import { fates } from "./Handlers.ts"
import { checkIdle } from "./Invariants.ts"
import { attach, create, detach, dropParked, operate, release, remove } from "./Operators.ts"
import { publish } from "./Publishers.ts"
import { request } from "./Requesters.ts"
import type { Run } from "./Run.ts"
import { operateShards } from "./ShardOperators.ts"

/** Does it, and lets the world go on as the command says. */
export const perform = async (run: Run, { action, ms, tasks }: Command): Promise<void> => {
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
    case "follow":
    case "unfollow":
    case "readTail":
      run.followers.perform(action)
      break
    case "release":
      release(run, action.name)
      break
    case "dropParked":
      dropParked(run, action.name)
      break
    case "request":
      request(run, action.draft, action.timeoutMs)
      break
    case "publishEach":
      action.drafts.forEach((draft) => publish(run, [draft]))
      break
    case "attachSlow":
      if (!run.busy.has(action.name)) attach(run, action.name, 0, noFates, 500)
      break
    case "attachFates":
      if (!run.busy.has(action.name)) attach(run, action.name, action.badness, fates)
      break
    case "setCount":
    case "dropShard":
    case "rebalance":
    case "setEachWorkers":
    case "setWorkers":
    case "pauseShard":
    case "resumeShard":
      operateShards(run, action)
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
