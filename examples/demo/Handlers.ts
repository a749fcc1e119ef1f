/**
 * The demo's own handlers: ordinary work, one of them with a bug that real input brings out.
 */
import { Data, Effect } from "effect"
import { CodeFactory, type Delivery, type PublishError } from "../../src/CodeFactory.ts"
import type { Order } from "../agents/receipts.ts"
import type { Webhook } from "./Webhooks.ts"

/** What runs for each message of a subscription. */
export type Handler = (
  payload: unknown,
  delivery: Delivery
) => Effect.Effect<void, Failure, CodeFactory>

/** What a handler may fail with. */
export type Failure = NoRepository | MirrorBusy | PublishError

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
  /** Every message by its topic, whoever published it. */
  readonly topics = new Map<string, number>()
  readonly mails: Array<Mail> = []
}

/** What the agent `receipts` asks for. */
export interface Mail {
  readonly to: string
  readonly subject: string
  readonly text: string
}

/** Writes every message down, so that the accounts need not believe anybody. */
export const keepLedger = (findings: Findings): Handler => (_, { message }) =>
  Effect.sync(() => increment(findings.topics, message.topic))

/** Turns a purchase on GitHub's marketplace into an order, which the agent `receipts` looks for. */
export const takeOrder: Handler = (payload, { message }) => {
  const { marketplace_purchase: purchase } = webhookOf(payload)
  if (purchase === undefined || purchase.unit_count === 0) return Effect.void
  const order: Order = {
    id: message.id.slice(-12),
    email: purchase.account.organization_billing_email ?? "nobody",
    lines: [{
      name: purchase.plan.name,
      quantity: purchase.unit_count,
      cents: purchase.plan.monthly_price_in_cents
    }],
    taxPercent: 19
  }
  return CodeFactory.use(({ publish }) => Effect.asVoid(publish("orders.paid", order)))
}

/** Takes the mails that somebody should send. */
export const takeMail = (findings: Findings): Handler => (mail) =>
  Effect.sync(() => void findings.mails.push(mail as Mail)) // As `receipts` makes them.

/** Counts the webhooks of each repository. */
export const countByRepository = (findings: Findings): Handler => (payload) =>
  Effect.sync(() => increment(findings.repositories, webhookOf(payload).repository?.full_name))

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
