/**
 * What a simulated store says of delayed messages, and of claims that stand in rows.
 */
import { Effect, Option } from "effect"
import { claimOf } from "../../src/layers/log/ClaimOf.ts"
import { DelayedRows } from "../../src/layers/log/DelayedRows.ts"
import type { LogStore } from "../../src/layers/log/LogStore.ts"
import type { Synced } from "./SyncedState.ts"

/** Reads of what is synced, each after a delay. */
export const simulatedDelays = (
  delay: Effect.Effect<void>,
  synced: () => Synced
): Pick<LogStore["Service"], "delayed" | "findDelayed" | "rowClaims"> => ({
  delayed: (after, limit, bytesMax) =>
    Effect.andThen(
      delay,
      Effect.sync(() => {
        const rows = new DelayedRows()
        for (const row of synced().delayed.values()) rows.put(row)
        return rows.page(after, limit, bytesMax)
      })
    ),
  findDelayed: (id) =>
    Effect.andThen(delay, Effect.sync(() => Option.fromUndefinedOr(synced().delayed.get(id)))),
  rowClaims: ({ after, limit, since }) =>
    Effect.sync(() =>
      [
        ...[...synced().delayed.values()].flatMap((row) => claimOf(row) ?? []),
        ...synced().claims.values()
      ]
        .filter(({ acceptedAt, id }) =>
          acceptedAt > (after?.acceptedAt ?? since - 1) ||
          (acceptedAt === after?.acceptedAt && id > after.id)
        )
        .toSorted((a, b) => a.acceptedAt - b.acceptedAt || (a.id < b.id ? -1 : 1))
        .slice(0, limit)
    )
})
