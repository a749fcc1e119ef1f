/**
 * The reader: takes settings from texts one by one and gathers everything that is wrong with them.
 *
 * It goes on after a mistake (with the default in place of the value), so that an operator sees all
 * mistakes at once. A setting describes itself where it is read, so none can be forgotten.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { SettingIssue, SettingShown } from "../../services/Settings.ts"
import type { Kind } from "./Kind.ts"

/** A setting: its name in the environment, what it may be, and what it means. */
export interface Setting<A, D> {
  readonly name: string
  readonly kind: Kind<A>
  /** `undefined` when nothing is the default. */
  readonly default: D
  readonly meaning: string
  /** The feature it belongs to, when this version lacks it: asking for it is an error. */
  readonly later?: string
}

/** One text and where it came from. */
export interface Found {
  readonly text: string
  readonly source: "environment" | "file"
}

/** A reader and what it gathered so far. */
export interface Reader {
  /** Takes one setting. */
  readonly read: <A, D extends A | undefined>(setting: Setting<A, D>) => A | D
  /** Notes a mistake that no single setting shows. */
  readonly refuse: (issue: SettingIssue) => void
  /** Notes what an operator should know and may leave as it is; one sentence. */
  readonly notice: (sentence: string) => void
  /** Whether all of the named settings were legal, so that they may be compared. */
  readonly areLegal: (...names: ReadonlyArray<string>) => boolean
  /**
   * Refuses a switch that is on while the address it needs is not set. An address that is set but
   * wrong is refused by itself.
   */
  readonly requireAddress: (on: boolean, switchName: string, addressName: string) => void
  readonly issues: ReadonlyArray<SettingIssue>
  readonly shown: ReadonlyArray<SettingShown>
  readonly notices: ReadonlyArray<string>
}

/** Longest part of a wrong value that is repeated to the operator, in characters. */
const foundLengthMax = 60

/** A wrong value, fit to be printed on one line. */
export const quote = (text: string): string =>
  text.length > foundLengthMax
    ? `${JSON.stringify(text.slice(0, foundLengthMax))}... (${text.length} characters)`
    : JSON.stringify(text)

/** What stands for the value of a secret. */
export const redacted = "<redacted>"

const textOf = <A>(kind: Kind<A>, value: A | undefined): string =>
  value === undefined ? "" : kind.secret ? redacted : Schema.encodeSync(kind.schema)(value)

/** What is wrong with a value that this version can read, or nothing. */
const judge = <A, D extends A | undefined>(
  setting: Setting<A, D>,
  text: string
): { readonly value: A | D; readonly issue?: SettingIssue; readonly notice?: string } => {
  const { kind, later, name } = setting
  const found = kind.secret ? redacted : quote(text)
  const otherwise = textOf(kind, setting.default)
  const decoded = Schema.decodeUnknownResult(kind.schema)(text)
  if (Result.isFailure(decoded)) {
    const remedy = otherwise === "" ? "correct it or unset it" : `unset it to have ${otherwise}`
    return { value: setting.default, issue: { name, found, expected: kind.expected, remedy } }
  }
  const value = decoded.success
  if (later === undefined) return { value }
  if (kind.turnsOn(value)) {
    const expected = `${otherwise === "" ? "no value" : otherwise}, as this version lacks ${later}`
    return { value, issue: { name, found, expected, remedy: "unset it" } }
  }
  return textOf(kind, value) === otherwise
    ? { value }
    : { value, notice: `${name} has no effect yet: this version lacks ${later}.` }
}

/** A reader of the texts that are set, by name. */
export const make = (texts: ReadonlyMap<string, Found>): Reader => {
  const issues: Array<SettingIssue> = [] // Mutable: the gathering is what a reader is for.
  const shown: Array<SettingShown> = []
  const notices: Array<string> = []

  const read = <A, D extends A | undefined>(setting: Setting<A, D>): A | D => {
    const given = texts.get(setting.name)
    const judged = given === undefined ? { value: setting.default } : judge(setting, given.text)
    if (judged.issue !== undefined) issues.push(judged.issue)
    if (judged.notice !== undefined) notices.push(judged.notice)
    shown.push({
      name: setting.name,
      value: textOf<A>(setting.kind, judged.value),
      source: given?.source ?? "default",
      expected: setting.kind.expected,
      meaning: setting.meaning,
      secret: setting.kind.secret,
      later: setting.later
    })
    return judged.value
  }

  return {
    read,
    refuse: (issue) => {
      issues.push(issue)
    },
    notice: (sentence) => {
      notices.push(sentence)
    },
    requireAddress: (on, switchName, addressName) => {
      if (!on || texts.has(addressName) || texts.has(`${addressName}_FILE`)) return
      issues.push({
        name: addressName,
        found: "nothing",
        expected: `an address, as ${switchName} is on`,
        remedy: `set it, or set ${switchName}=0`
      })
    },
    areLegal: (...names) => !issues.some((issue) => names.includes(issue.name)),
    issues,
    shown,
    notices
  }
}
