/**
 * The input: every example payload of GitHub's webhooks, as collected by Octokit.
 */
import { createRequire } from "node:module"
import type { Item } from "../../src/CodeFactory.ts"

/** What all webhooks have in common; most, but not all, are about a repository. */
export interface Webhook {
  readonly action?: string
  readonly repository?: { readonly full_name: string }
  readonly organization?: { readonly login: string }
  readonly sender?: { readonly login: string }
}

interface Definition {
  readonly name: string
  readonly examples: ReadonlyArray<Webhook>
}

const require = createRequire(import.meta.url)
const definitions: ReadonlyArray<Definition> = require("@octokit/webhooks-examples")

/** One message for each payload, to `github.<event>.<action>`, keyed by its repository. */
export const webhooks = (): ReadonlyArray<Item> =>
  definitions.flatMap(({ examples, name }) =>
    examples.map((payload) => ({
      topic: topicOf(name, payload.action),
      payload,
      options: {
        headers: { "x-github-event": name },
        priority: name === "security_advisory" ? 9 : 0,
        ...(payload.repository === undefined ? {} : { key: payload.repository.full_name })
      }
    }))
  )

/** An action may be any text (`repository_dispatch` takes what its sender likes), a topic not. */
const topicOf = (event: string, action: string | undefined): string =>
  ["github", event, ...(action === undefined ? [] : [action])]
    .map((segment) => segment.replaceAll(/[^\w-]/g, "_"))
    .join(".")
