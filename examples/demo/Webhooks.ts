/**
 * The input: every example payload of GitHub's webhooks, as collected by Octokit.
 */
import { createHmac } from "node:crypto"
import { createRequire } from "node:module"
import type { Item } from "../../src/CodeFactory.ts"

/** What all webhooks have in common; most, but not all, are about a repository. */
export interface Webhook {
  readonly action?: string
  readonly repository?: { readonly full_name: string }
  readonly organization?: { readonly login: string }
  readonly sender?: { readonly login: string }
  readonly marketplace_purchase?: Purchase
}

/** Who bought how many of what. */
export interface Purchase {
  readonly account: { readonly organization_billing_email: string | null }
  readonly unit_count: number
  readonly plan: { readonly name: string; readonly monthly_price_in_cents: number }
}

interface Definition {
  readonly name: string
  readonly examples: ReadonlyArray<Webhook>
}

const require = createRequire(import.meta.url)
const definitions: ReadonlyArray<Definition> = require("@octokit/webhooks-examples")

/** What the demo and GitHub would both know; the agent `signatures` reads it when it starts. */
export const secret = "the secret of the demo"

/** How many webhooks are sent a second time by somebody who does not know the secret. */
export const forgedCount = 7

/** One message for each payload, as GitHub sends it: signed, its body as text. */
export const webhooks = (): ReadonlyArray<Item> =>
  definitions.flatMap(({ examples, name }) =>
    examples.map((payload) => received(name, JSON.stringify(payload), secret))
  )

/** The same from somebody else. */
export const forgeries = (): ReadonlyArray<Item> =>
  definitions.slice(0, forgedCount).map(({ examples, name }) =>
    received(name, JSON.stringify(examples[0]), "a guess")
  )

const received = (event: string, body: string, key: string): Item => ({
  topic: "webhooks.github",
  payload: {
    event,
    signature: `sha256=${createHmac("sha256", key).update(body).digest("hex")}`,
    body
  }
})
