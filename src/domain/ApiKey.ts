/**
 * API keys: who may do what over HTTP.
 */

/** What a key may allow, besides being known at all. */
export const actions = ["publish", "consume", "replay", "admin"] as const
/** One of them: publish messages, consume subscriptions, handle dead letters, run the bus. */
export type Action = (typeof actions)[number]
