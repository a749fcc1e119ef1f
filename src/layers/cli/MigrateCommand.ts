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

/** How the database stands to Citus. */
export type Distribution = "Absent" | "Missing" | "Made" | "Present"

/** What was missing (`plan`), or was brought up to date. */
export interface Migrated {
  readonly migrations: ReadonlyArray<MigrationStep>
  /** If it was asked for. */
  readonly distribution: Distribution | undefined
}

/** Says what is missing (`plan`), or does it; `citus` distributes the tables too. */
export type Migrate<E, R> = (
  what: "plan" | "run",
  citus: boolean
) => Effect.Effect<Migrated, E, R>

/** `codefactory migrate`; fails like `serve` when settings are illegal. */
export const migrate = <E, R>(migrations: Migrate<E, R>) =>
  Command.make("migrate", {
    json,
    plan: Flag.Boolean("plan").pipe(
      Flag.withDescription("Only say what would be run"),
      Flag.withDefault(false)
    ),
    citus: Flag.Boolean("citus").pipe(
      Flag.withDescription("Distribute the tables over Citus too, like ENABLE_CITUS=1"),
      Flag.withDefault(false)
    )
  }, (asked) =>
    Effect.interruptible(Effect.gen(function*() {
      const migrated = yield* migrations(asked.plan ? "plan" : "run", asked.citus)
      yield* print(asked.json ? JSON.stringify(migrated) : textOf(migrated, asked.plan))
    }))).pipe(
      Command.withDescription(
        "Bring the schema of DATABASE_URL to this version; --plan shows it, --citus distributes it"
      )
    )

const textOf = ({ distribution, migrations }: Migrated, isPlan: boolean): string => {
  const steps = migrations.map(({ id, name }) =>
    `${isPlan ? "missing" : "migrated"}: ${id} ${name}`
  )
  return [
    ...steps.length === 0 ? ["the schema is that of this version"] : steps,
    ...distribution === undefined ? [] : [sentenceOf[distribution]]
  ].join("\n")
}

const sentenceOf: Readonly<Record<Distribution, string>> = {
  Absent: "the server has no Citus: the tables stay as they are, and work as they are",
  Missing: "missing: the tables are not distributed over Citus",
  Made: "distributed: the tables, over Citus",
  Present: "the tables are distributed over Citus"
}
