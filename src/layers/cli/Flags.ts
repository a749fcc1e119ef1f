/**
 * Flags that several commands share, and what they decode to.
 */
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Data from "effect/Data"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { urlDefault } from "./BusClient.ts"

/** The arguments contradict each other. */
export class WrongUsage extends Data.TaggedError("WrongUsage")<{ readonly message: string }> {}

/** The flag `--json`: what is printed is for programs. */
export const json = Flag.Boolean("json").pipe(
  Flag.withDescription("Print JSON, for programs"),
  Flag.withDefault(false)
)

/** `--url`, or else the variable CODEFACTORY_URL. */
export const url = Flag.String("url").pipe(
  Flag.withFallbackConfig(Config.String("CODEFACTORY_URL")),
  Flag.withDefault(urlDefault),
  Flag.filter(
    (text) => URL.canParse(text) && /^https?:/.test(text),
    (text) => `expected an address like ${urlDefault}, found ${text}`
  ),
  Flag.withDescription(`Address of the bus (default: CODEFACTORY_URL or ${urlDefault})`)
)

/** `--api-key`, or else CODEFACTORY_API_KEY, which other users of the machine cannot see. */
export const apiKey = Flag.Redacted("api-key").pipe(
  Flag.withFallbackConfig(Config.Redacted("CODEFACTORY_API_KEY")),
  Flag.filter(
    (secret) => /^[\x21-\x7e]+$/.test(Redacted.value(secret)),
    () => "expected a key like <id>.<secret>"
  ),
  Flag.withDescription("API key of the bus (default: CODEFACTORY_API_KEY)"),
  Flag.optional
)

/** A flag with a text that may be left out. */
export const text = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.optional)

/** A flag with a whole number that may be left out. */
export const whole = (name: string, minimum: number, maximum: number, description: string) =>
  Flag.Int(name).pipe(
    Flag.filter(
      (value) => value >= minimum && value <= maximum,
      (value) => `expected ${minimum} to ${maximum}, found ${value}`
    ),
    Flag.withDescription(description),
    Flag.optional
  )

/** The fields that are present, without the empty ones. */
export const present = (
  fields: Readonly<Record<string, Option.Option<unknown>>>
): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) =>
      Option.isSome(value) ? [[name, value.value]] : []
    )
  )
