/**
 * The command `codefactory`: its commands put together.
 */
import * as Cause from "effect/Cause"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import type { Settings, SettingsInvalid } from "../../services/Settings.ts"
import { audit, type VerifyAudit } from "./AuditCommand.ts"
import { capacity } from "./CapacityCommand.ts"
import { config } from "./ConfigCommand.ts"
import { deadLetters } from "./DeadLettersCommand.ts"
import { json } from "./Flags.ts"
import { key } from "./KeyCommand.ts"
import { lock } from "./LockCommand.ts"
import { type Migrate, migrate } from "./MigrateCommand.ts"
import { publish } from "./PublishCommand.ts"
import { shards } from "./ShardsCommand.ts"
import { status } from "./StatusCommand.ts"
import { subscribe } from "./SubscribeCommand.ts"
import { tail } from "./TailCommand.ts"
import { why } from "./WhyCommand.ts"

/** What the commands need from the program around them. */
export interface Program<E, R> {
  /** Runs the bus until it is interrupted. */
  readonly serve: Effect.Effect<unknown, E, R>
  /** Reads the settings. */
  readonly settings: Effect.Effect<Settings["Service"], SettingsInvalid, R>
  readonly migrate: Migrate<E, R>
  readonly verifyAudit: VerifyAudit<R>
}

/** `codefactory` with all its commands. */
export const codefactory = <E, R>(program: Program<E, R>) =>
  Command.make("codefactory").pipe(
    Command.withDescription(
      "A durable message bus: publish to topics, deliver at least once, in order per key."
    ),
    Command.withExamples([
      { command: "codefactory serve", description: "Start a bus on this machine" },
      { command: "codefactory subscribe billing --topic 'orders.>'" },
      { command: "codefactory publish orders.created '{\"id\": 1}'" }
    ]),
    Command.withSubcommands([
      serve(program.serve),
      publish,
      subscribe,
      tail,
      deadLetters,
      status,
      shards,
      capacity,
      why,
      audit(program.verifyAudit),
      lock,
      key,
      config(program.settings),
      migrate(program.migrate)
    ])
  )

/** `codefactory serve`. A signal is how it is meant to end, so it then ends well. */
const serve = <E, R>(run: Effect.Effect<unknown, E, R>) =>
  Command.make("serve", { json }, (asked) =>
    Effect.gen(function*() {
      const logged = asked.json
        ? Effect.provide(run, Logger.layer([Logger.consoleJson]))
        : run
      const ended = yield* Effect.exit(Effect.interruptible(logged))
      if (Exit.isFailure(ended) && !Cause.hasInterruptsOnly(ended.cause)) return yield* ended
    })).pipe(Command.withDescription("Run the bus and its HTTP API; --json logs as JSON"))
