/**
 * Kinds of settings: how a text becomes a value and back, and how that is put into words.
 */
import * as Duration from "effect/Duration"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as Address from "../drivers/redis/Address.ts"

/** A kind of setting. `expected` completes the sentence "expected ...". */
export interface Kind<A> {
  readonly schema: Schema.Codec<A, string>
  readonly expected: string
  /** The value is never shown, and may come from the file that NAME_FILE names. */
  readonly secret: boolean
  /** Whether a value asks for the feature behind its setting, or merely tunes it. */
  readonly turnsOn: (value: A) => boolean
}

const kind = <A>(
  expected: string,
  schema: Schema.Codec<A, string>,
  turnsOn: (value: A) => boolean = () => false
): Kind<A> => ({ schema, expected, secret: false, turnsOn })

// Plain decimal only: "0x10", "1e3" and " " are numbers to JavaScript and typos to an operator.
const wholeNumber = Schema.String.check(Schema.isPattern(/^[+-]?\d+$/)).pipe(
  Schema.decodeTo(Schema.FiniteFromString)
)
const decimal = Schema.String.check(Schema.isPattern(/^[+-]?\d+(\.\d+)?$/)).pipe(
  Schema.decodeTo(Schema.FiniteFromString)
)

const group = (value: number): string => value.toLocaleString("en-US")

/** A kind of which any value asks for the feature behind its setting. */
export const asking = <A>(of: Kind<A>): Kind<A> => ({ ...of, turnsOn: () => true })

/** A kind of which no value asks for the feature: it only says how things are. */
export const tuning = <A>(of: Kind<A>): Kind<A> => ({ ...of, turnsOn: () => false })

/** A whole number, both ends included. */
export const integer = (minimum: number, maximum: number): Kind<number> =>
  kind(
    `a whole number from ${group(minimum)} to ${group(maximum)}`,
    wholeNumber.check(Schema.isBetween({ minimum, maximum }))
  )

/** A number of something that is off at 0: any other number asks for it. */
export const limit = (maximum: number): Kind<number> => ({
  ...integer(0, maximum),
  turnsOn: (value) => value > 0
})

/** A share of a whole. */
export const share: Kind<number> = kind(
  "a number above 0 and up to 1",
  decimal.check(Schema.isGreaterThan(0), Schema.isLessThanOrEqualTo(1))
)

/** A time in seconds, with decimals, both ends included. */
export const seconds = (minimum: number, maximum: number): Kind<Duration.Duration> =>
  kind(
    `seconds from ${group(minimum)} to ${group(maximum)}`,
    decimal.check(Schema.isBetween({ minimum, maximum })).pipe(
      Schema.decodeTo(
        Schema.Duration,
        SchemaTransformation.transform({ decode: Duration.seconds, encode: Duration.toSeconds })
      )
    )
  )

const words: Readonly<Record<string, boolean>> = {
  "1": true,
  true: true,
  yes: true,
  on: true,
  "0": false,
  false: false,
  no: false,
  off: false
}

/** A switch, in upper or lower case. */
export const toggle: Kind<boolean> = kind(
  "1 or 0 (also true, yes, on; false, no, off)",
  Schema.String.check(Schema.isPattern(/^(1|true|yes|on|0|false|no|off)$/i)).pipe(
    Schema.decodeTo(
      Schema.Boolean,
      SchemaTransformation.transform<boolean, string>({
        decode: (text) => words[text.toLowerCase()] === true,
        encode: (on) => on ? "1" : "0"
      })
    )
  ),
  (on) => on
)

/** One of a few words. */
export const choice = <const Words extends ReadonlyArray<string>>(
  options: Words
): Kind<Words[number]> => kind(options.join(", "), Schema.Literals(options))

const hostName = /^[A-Za-z0-9]([A-Za-z0-9-]{0,62}[A-Za-z0-9])?(\.[A-Za-z0-9-]{1,63})*$/
const addressV6 = /^[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*$/

/** An address to listen on. */
export const host: Kind<string> = kind(
  "an IP address or a host name",
  Schema.String.check(
    Schema.makeFilter((text: string) => hostName.test(text) || addressV6.test(text))
  )
)

/** A port; 0 takes a free one. */
export const port: Kind<number> = kind("a port from 0 to 65535", integer(0, 65_535).schema)

/** A path, relative to the working directory or absolute. */
export const path = (what: string): Kind<string> =>
  kind(
    `the path of ${what}`,
    Schema.NonEmptyString.check(
      Schema.isMaxLength(4_096),
      Schema.makeFilter((text: string) => !text.includes("\0"))
    )
  )

const isServer = (schemes: ReadonlyArray<string>, text: string): boolean =>
  URL.canParse(text) && schemes.includes(new URL(text).protocol) && new URL(text).hostname !== ""

/** A text that is not shown, as far as `isLegal`. */
const secretText = (
  expected: string,
  isLegal: (text: string) => boolean
): Kind<Redacted.Redacted> => ({
  ...kind(
    expected,
    Schema.String.check(Schema.makeFilter(isLegal)).pipe(
      Schema.decodeTo(
        Schema.Redacted(Schema.String),
        SchemaTransformation.transform({
          decode: (text: string) => Redacted.make(text),
          encode: (secret: Redacted.Redacted) => Redacted.value(secret)
        })
      )
    )
  ),
  secret: true
})

/** Where a server is, with its password: a secret. */
export const secretUrl = (
  schemes: ReadonlyArray<string>,
  example: string
): Kind<Redacted.Redacted> =>
  secretText(`an address like ${example}`, (text) => isServer(schemes, text))

/** Where a Redis is, with its password: a secret. */
export const redisUrl: Kind<Redacted.Redacted> = secretText(
  "an address like redis://user:password@host:6379/0, rediss:// over TLS, " +
    "redis+cluster://host,host or redis+sentinel://host,host/primary",
  (text) => Result.isSuccess(Address.parse(text))
)

/** A password. */
export const password: Kind<Redacted.Redacted> = secretText(
  "a password of 1 to 1024 characters",
  (text) => text.length > 0 && text.length <= 1_024
)

/** What names begin with. */
export const prefix: Kind<string> = kind(
  "1 to 64 letters, digits or . _ : -",
  Schema.String.check(Schema.isPattern(/^[A-Za-z0-9._:-]{1,64}$/))
)

/** A user. */
export const user: Kind<string> = kind(
  "a name of 1 to 128 characters without spaces",
  Schema.String.check(Schema.isPattern(/^\S{1,128}$/))
)

/** Several of them, separated by commas. */
export const secretUrls = (
  schemes: ReadonlyArray<string>,
  example: string
): Kind<ReadonlyArray<Redacted.Redacted>> => ({
  ...kind(
    `addresses like ${example}, separated by commas`,
    Schema.String.check(
      Schema.makeFilter((text: string) =>
        text.split(",").every((one) => isServer(schemes, one.trim()))
      )
    ).pipe(
      Schema.decodeTo(
        Schema.Array(Schema.Redacted(Schema.String)),
        SchemaTransformation.transform<ReadonlyArray<Redacted.Redacted>, string>({
          decode: (text) => text.split(",").map((one) => Redacted.make(one.trim())),
          encode: (secrets) => secrets.map(Redacted.value).join(",")
        })
      )
    )
  ),
  secret: true
})

/** Servers as host:port, separated by commas. */
export const servers: Kind<ReadonlyArray<string>> = kind(
  "host:port, several separated by commas",
  Schema.String.check(
    Schema.isPattern(/^[A-Za-z0-9.-]+:\d{1,5}(\s*,\s*[A-Za-z0-9.-]+:\d{1,5})*$/)
  ).pipe(
    Schema.decodeTo(
      Schema.Array(Schema.String),
      SchemaTransformation.transform<ReadonlyArray<string>, string>({
        decode: (text) => text.split(",").map((server) => server.trim()),
        encode: (list) => list.join(",")
      })
    )
  )
)
