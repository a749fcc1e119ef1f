/**
 * What the benchmark publishes: small orders on 100 topics, about 150 bytes of JSON each.
 */
import { isTopicName, type TopicName } from "../src/domain/Topic.ts"

/** So many topics, `<stem>.0` and on. */
export const topicsOf = (stem: string, count: number): ReadonlyArray<TopicName> =>
  Array.from({ length: count }, (_, index) => `${stem}.${index}`).filter(isTopicName)

/** Topics the messages go to, by turns. */
export const topics = topicsOf("bench.orders", 100)

/** The topic of message `index`. */
export const topicOf = (index: number, of: ReadonlyArray<TopicName> = topics): TopicName => {
  const topic = of[index % of.length]
  if (topic === undefined) throw new Error("no topics")
  return topic
}

/** The payload of message `index` as a value. Its number comes first: see `indexOf`. */
export const payloadOf = (index: number) => ({
  orderId: index,
  customer: `customer-${index % 1_000}`,
  amount: (index % 10_000) / 100,
  currency: "EUR",
  lines: [{ sku: `sku-${index % 50}`, quantity: 1 + (index % 3) }],
  placedAt: "2026-01-01T00:00:00.000Z"
})

/** Texts made so far; so many differ. */
const texts: Array<string> = []
const textsMax = 100_000

/** The text of message `index`, made once, in a run that does not count. */
export const textOf = (index: number): string => {
  const at = index % textsMax
  return texts[at] ??= JSON.stringify(payloadOf(at))
}

/** The number that a text carries, without parsing it: the digits after `{"orderId":`. */
export const indexOf = (text: string): number => Number.parseInt(text.slice(11, 18), 10)
