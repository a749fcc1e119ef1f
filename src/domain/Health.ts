/**
 * Health: when something that looks bad is an alert, and when it is mended.
 *
 * One bad look says nothing; so many in a row are one alert, and one try to heal. The alert ends
 * when all has looked well for a while, and only then can there be another. Source: guide,
 * "Guardian"; pitfall 30.
 */

/** What one look at a component has found. */
export interface Finding {
  /** What was looked at, such as `shard 3` or `event loop`. */
  readonly component: string
  readonly isWell: boolean
  /** What was seen, in words with figures. */
  readonly detail: string
}

/** The rule's numbers. */
export interface HealthPolicy {
  /** Bad looks in a row that make an alert. */
  readonly badMax: number
  /** Good looks in a row that end it. */
  readonly wellMin: number
  /** Most healings within an hour, of all components together. */
  readonly healingsPerHour: number
}

/** Five bad checks; the other numbers are ours. */
export const healthPolicy: HealthPolicy = { badMax: 5, wellMin: 2, healingsPerHour: 12 }

/** What is known of a component. */
export interface Condition {
  /** Looks in a row that were bad, or good ones since an alert. */
  readonly bad: number
  readonly well: number
  readonly isAlerted: boolean
}

/** What is known of everything. */
export interface Health {
  readonly conditions: ReadonlyMap<string, Condition>
  /** When something was healed within the last hour (Unix milliseconds). */
  readonly healedAt: ReadonlyArray<number>
}

/** Nothing is known yet. */
export const unknown: Health = { conditions: new Map(), healedAt: [] }

/** What follows from a look. */
export interface Verdict {
  readonly kind: "Alert" | "Recovered"
  readonly component: string
  readonly detail: string
  /** Whether it is tried to heal it: not when that was done too often lately. */
  readonly isHealed: boolean
}

/** The rule in words. */
export const healthRule =
  "several bad checks in a row are one alert and one healing; several good ones end it"

const hourMs = 3_600_000
const fine: Condition = { bad: 0, well: 0, isAlerted: false }

/** What is known after a look at `now` (Unix milliseconds), and what follows. */
export const judge = (
  health: Health,
  findings: ReadonlyArray<Finding>,
  now: number,
  policy: HealthPolicy
): { readonly health: Health; readonly verdicts: ReadonlyArray<Verdict> } => {
  const healedAt = health.healedAt.filter((at) => at > now - hourMs)
  const verdicts: Array<Verdict> = []
  const conditions = new Map(findings.map(({ component, detail, isWell }) => {
    const next = after(health.conditions.get(component) ?? fine, isWell, policy)
    const was = health.conditions.get(component)?.isAlerted ?? false
    if (next.isAlerted && !was) {
      const isHealed = healedAt.length < policy.healingsPerHour
      if (isHealed) healedAt.push(now)
      verdicts.push({ kind: "Alert", component, detail, isHealed })
    } else if (was && !next.isAlerted) {
      verdicts.push({ kind: "Recovered", component, detail, isHealed: false })
    }
    return [component, next]
  }))
  return { health: { conditions, healedAt }, verdicts }
}

const after = (
  { bad, isAlerted, well }: Condition,
  isWell: boolean,
  { badMax, wellMin }: HealthPolicy
): Condition => {
  if (!isWell) return { bad: bad + 1, well: 0, isAlerted: isAlerted || bad + 1 >= badMax }
  if (!isAlerted) return fine
  return well + 1 >= wellMin ? fine : { bad: 0, well: well + 1, isAlerted }
}
