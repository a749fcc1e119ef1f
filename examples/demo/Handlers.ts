/**
 * The handlers: ordinary work, one of them with a bug that real input brings out.
 */
import { Ajv, type ValidateFunction } from "ajv"
import { Data, Effect } from "effect"
import { createRequire } from "node:module"
import type { Delivery } from "../../src/CodeFactory.ts"
import type { Webhook } from "./Webhooks.ts"

/** What runs for each message of a subscription. */
export type Handler = (payload: unknown, delivery: Delivery) => Effect.Effect<void, Failure>

/** What a handler may fail with. */
export type Failure = NoRepository | MirrorBusy

/** The webhook is not about a repository. */
export class NoRepository extends Data.TaggedError("NoRepository")<{ readonly topic: string }> {
  override get message(): string {
    return `a webhook of ${this.topic} names no repository`
  }
}

/** The other system was busy; it may not be the next time. */
export class MirrorBusy extends Data.TaggedError("MirrorBusy")<{}> {}

/** What the handlers found out, to be shown in the end. */
export class Findings {
  readonly repositories = new Map<string, number>()
  readonly owners = new Map<string, number>()
  valid = 0
  outdated = 0
}

/** Counts the webhooks of each repository. */
export const countByRepository = (findings: Findings): Handler => (payload) =>
  Effect.sync(() => increment(findings.repositories, webhookOf(payload).repository?.full_name))

/** Validates each webhook against its schema: the older ones lack fields that came later. */
export const checkSchema = (findings: Findings): Handler => (payload, { headers }) =>
  Effect.sync(() => {
    if (validator(headers["x-github-event"] ?? "")(payload) === true) findings.valid++
    else findings.outdated++
  })

/** Copies releases to another system, which is busy at the first try of each. */
export const mirrorReleases: Handler = (_, { attempt }) =>
  attempt === 1 ? Effect.fail(new MirrorBusy()) : Effect.void

/** Bills the owner of the repository. The bug: not every webhook is about a repository. */
export const billOwners = (findings: Findings): Handler => (payload, { message }) => {
  const owner = webhookOf(payload).repository?.full_name.split("/")[0]
  return owner === undefined
    ? Effect.fail(new NoRepository({ topic: message.topic }))
    : Effect.sync(() => increment(findings.owners, owner))
}

/** The same without the bug: no repository, then the organization, else the sender. */
export const billOwnersFixed = (findings: Findings): Handler => (payload) =>
  Effect.sync(() => {
    const { organization, repository, sender } = webhookOf(payload)
    const owner = repository?.full_name.split("/")[0] ?? organization?.login ?? sender?.login
    increment(findings.owners, owner)
  })

const increment = (counts: Map<string, number>, name: string | undefined): void => {
  counts.set(name ?? "(none)", (counts.get(name ?? "(none)") ?? 0) + 1)
}

/** Where a payload comes from Octokit, its shape is known; what depends on it is checked above. */
const webhookOf = (payload: unknown): Webhook => payload as Webhook

const schema = createRequire(import.meta.url)("@octokit/webhooks-schemas")
const ajv = new Ajv({ strict: false, validateFormats: false }).addSchema(schema, "github")

/** The validator of an event; the schema calls it `push$event` when the event has no actions. */
const validator = (event: string): ValidateFunction => {
  const found = ajv.getSchema(`github#/definitions/${event}_event`) ??
    ajv.getSchema(`github#/definitions/${event}$event`)
  if (found === undefined) throw new Error(`no schema for the event ${event}`)
  return found
}
