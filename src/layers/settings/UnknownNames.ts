/**
 * Unknown names: variables that look like settings and are none, so most likely are typos.
 *
 * A typo would otherwise leave a default in force in silence.
 */
import type { SettingIssue } from "../../services/Settings.ts"

const prefixes = ["MESSAGE_BUS_", "ENABLE_"] as const

/**
 * What Kubernetes puts into every pod for a Service named `message-bus`; not the operator's doing.
 * Source: Kubernetes documentation, "Service", "Environment variables".
 */
const serviceLink = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)$/

/** A known name is offered as what was meant when at most this share of letters differs. */
const editsShareMax = 1 / 3

/** The variables among `names` that look like settings but are not in `known`. */
export const unknownNames = (
  names: ReadonlyArray<string>,
  known: ReadonlyArray<string>
): ReadonlyArray<SettingIssue> =>
  names
    .filter((name) =>
      prefixes.some((prefix) => name.startsWith(prefix)) && !known.includes(name) &&
      !serviceLink.test(name)
    )
    .map((name) => {
      const near = nearest(name, known)
      return {
        name,
        found: "a variable that is no setting", // Never its value: it could be a secret.
        expected: near === undefined ? "no such variable" : near,
        remedy: near === undefined ? "unset it" : "rename or unset it"
      }
    })

/** The known name with the fewest edits between, if that is few enough to be likely. */
const nearest = (name: string, known: ReadonlyArray<string>): string | undefined => {
  const [best] = known
    .map((candidate) => ({ candidate, edits: editDistance(name, candidate) }))
    .toSorted((a, b) => a.edits - b.edits)
  return best !== undefined && best.edits <= name.length * editsShareMax
    ? best.candidate
    : undefined
}

/** Insertions, deletions and replacements between two texts (Levenshtein). */
const editDistance = (a: string, b: string): number => {
  const first = Array.from({ length: b.length + 1 }, (_, column) => column)
  const last = Array.from(a).reduce((above, letter, row) => {
    const line = [row + 1]
    for (const [column, other] of Array.from(b).entries()) {
      line.push(Math.min(
        (line[column] ?? 0) + 1,
        (above[column + 1] ?? 0) + 1,
        (above[column] ?? 0) + (letter === other ? 0 : 1)
      ))
    }
    return line
  }, first)
  return last[b.length] ?? 0
}
