/**
 * Operators of the shards of a simulated bus.
 */
import { call } from "./Calls.ts"
import type { ShardAction } from "./MoreActions.ts"
import type { Run } from "./Run.ts"

/** Changes the shards, or those who work for them. */
export const operateShards = (run: Run, action: ShardAction): void => {
  const { bus: { shards }, core } = run.node
  const heard = (what: string) => (): void => run.saw(what)
  switch (action.kind) {
    case "setCount":
      return call(run, "shards", shards.setCount(action.count), ({ from, moved, to }) => {
        run.saw(moved > 0 ? "resized with what waited" : "resized", `${from} to ${to}`)
      })
    case "dropShard": {
      const ids = core.shards.map(({ id }) => id)
      if (ids.length <= 2) return
      ids.splice(Math.floor(action.share * ids.length), 1)
      return call(run, "shards", run.node.resizing.resizeTo(ids), heard("shard dropped"))
    }
    case "rebalance":
      return call(run, "shards", shards.rebalance, heard("rebalanced"))
    case "setEachWorkers":
      return call(run, "shards", shards.setWorkers(action.count), heard("workers of each set"))
    case "setWorkers":
      return call(
        run,
        "shards",
        shards.setWorkers(action.count, chosen(run, action.share)),
        heard("workers set")
      )
    case "pauseShard":
      return call(run, "shards", shards.pause(chosen(run, action.share)), heard("shard paused"))
    case "resumeShard":
      return call(run, "shards", shards.resume(chosen(run, action.share)), heard("shard resumed"))
  }
}

/** Takes back whatever operators did that keeps messages out. */
export const resumeAll = (run: Run): void => {
  const { bus: { shards }, core } = run.node
  core.shards.forEach(({ id }) => call(run, "shards", shards.resume(id), () => {}))
}

const chosen = ({ node: { core: { shards } } }: Run, share: number): number =>
  shards[Math.floor(share * shards.length)]?.id ?? 0
