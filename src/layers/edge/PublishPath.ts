/**
 * The path of a publish, which is looked at before the general router: nearly every request is one.
 */
import type { Matched } from "./Router.ts"
import type { Route } from "./Web.ts"

/** The pattern of the route that publishes one message. */
export const publishPattern = "/v1/topics/{topic}/messages"

/** What stands before and after the topic. */
export const aroundTopic = { before: "/v1/topics/", after: "/messages" } as const

const { after, before } = aroundTopic

/**
 * The publish that a path means, as the general router would find it; `undefined` where that has to
 * look: at other paths, and at those with anything percent-encoded.
 */
export const matchPublish = (route: Route, method: string, path: string): Matched | undefined => {
  if (method !== "POST" || !path.startsWith(before) || !path.endsWith(after)) return undefined
  const topic = path.slice(before.length, -after.length)
  return topic === "" || topic.includes("/") || topic.includes("%")
    ? undefined
    : { route, params: { topic } }
}
