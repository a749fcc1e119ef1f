/**
 * Requests: messages that name a topic for their reply. Such topics are made for one reply each and
 * live in memory only.
 */
/** The header that names the topic of the reply. */
export const replyToHeader = "reply-to"

/** The header that a responder may copy into its reply, for those who keep records. */
export const correlationHeader = "correlation-id"

/** Most requests that wait for a reply. Source: design, section 9, "Limits beside those above". */
export const requestsMax = 10_000

/** How long a requester waits, in milliseconds: unless told otherwise, and at most over HTTP. */
export const requestMs = { default: 5_000, max: 60_000 } as const

/** The topic of one reply. `pod` and `id` consist of letters, digits, `_` and `-`. */
export const replyTopicOf = (pod: string, id: string): string => `_reply.${pod}.${id}`

const underscore = 0x5f
const shape = /^_reply\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/

/** Whether replies may be published to `topic`. Cheap for all others: every publish asks. */
export const isReplyTopic = (topic: string): boolean =>
  topic.charCodeAt(0) === underscore && shape.test(topic)

/** The pod that waits for the reply of such a topic. */
export const podOfReply = (topic: string): string => topic.split(".")[1] ?? ""

/** The headers of a request: the publisher's own, and where the reply goes. JSON texts. */
export const requestHeaders = (
  headers: string | undefined,
  replyTo: string,
  correlationId: string
): string =>
  JSON.stringify({
    [correlationHeader]: correlationId,
    ...(headers === undefined ? {} : JSON.parse(headers)),
    [replyToHeader]: replyTo
  })
