/**
 * `codefactory config`: every setting as this process would start with it.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import type { Settings, SettingsInvalid } from "../../services/Settings.ts"
import { json } from "./Flags.ts"
import { print } from "./Output.ts"
import { settingsTable } from "./SettingsText.ts"

/** `codefactory config`; fails like `serve` when settings are illegal. */
export const config = <R>(
  settings: Effect.Effect<Settings["Service"], SettingsInvalid, R>
) =>
  Command.make("config", { json }, (asked) =>
    Effect.interruptible(Effect.gen(function*() {
      const { notices, profile, shown } = yield* settings
      yield* print(
        asked.json
          ? JSON.stringify({ profile, settings: shown, notices }, null, 2)
          : [
            settingsTable(shown),
            "",
            `profile ${profile}`,
            ...notices
          ].join("\n")
      )
    }))).pipe(Command.withDescription("Show every setting with its value, source and meaning"))
