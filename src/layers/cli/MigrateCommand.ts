/**
 * `codefactory migrate`: brings the schema of the database to this version.
 *
 * A pod does so by itself when it starts. By hand it serves those whose pods may not change tables,
 * and with `--plan` those who want to know before.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { json } from "./Flags.ts"
import { print } from "./Output.ts"

/** A step from one version of the schema to the next. */
export interface MigrationStep {
  readonly id: number
  readonly name: string
}

/** Says which migrations are missing (`plan`), or runs them and says which it ran. */
export type Migrate<E, R> = (
  what: "plan" | "run"
) => Effect.Effect<ReadonlyArray<MigrationStep>, E, R>

/** `codefactory migrate`; fails like `serve` when settings are illegal. */
export const migrate = <E, R>(migrations: Migrate<E, R>) =>
  Command.make("migrate", {
    json,
    plan: Flag.Boolean("plan").pipe(
      Flag.withDescription("Only say what would be run"),
      Flag.withDefault(false)
    )
  }, (asked) =>
    Effect.interruptible(Effect.gen(function*() {
      const steps = yield* migrations(asked.plan ? "plan" : "run")
      yield* print(asked.json ? JSON.stringify({ migrations: steps }) : textOf(steps, asked.plan))
    }))).pipe(
      Command.withDescription("Bring the schema of DATABASE_URL to this version; --plan shows it")
    )

const textOf = (steps: ReadonlyArray<MigrationStep>, isPlan: boolean): string =>
  steps.length === 0
    ? "the schema is that of this version"
    : steps.map(({ id, name }) => `${isPlan ? "missing" : "migrated"}: ${id} ${name}`).join("\n")
