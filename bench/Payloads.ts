/**
 * What the benchmark publishes: small orders on 100 topics, about 150 bytes of JSON each.
 */

/** Topics the messages go to, by turns. */
export const topics: ReadonlyArray<string> = Array.from(
  { length: 100 },
  (_, index) => `bench.orders.${index}`
)

/** The topic of message `index`. */
export const topicOf = (index: number): string => topics[index % topics.length] ?? "bench"

/** The payload of message `index` as a value. */
export const payloadOf = (index: number) => ({
  orderId: index,
  customer: `customer-${index % 1_000}`,
  amount: (index % 10_000) / 100,
  currency: "EUR",
  lines: [{ sku: `sku-${index % 50}`, quantity: 1 + (index % 3) }],
  placedAt: "2026-01-01T00:00:00.000Z"
})
