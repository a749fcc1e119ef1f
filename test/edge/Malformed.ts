/**
 * Malformed requests by the thousand, from a seed: raw bytes, each of which the edge must refuse
 * with a problem document and a 4xx, storing nothing.
 */
import { contentTypes, names, noJson, wrongFields } from "./MalformedPieces.ts"

/** One request. `halfClose` sends the end of the stream too: it may be no whole request. */
export interface Malformed {
  readonly kind: string
  readonly bytes: Uint8Array
  readonly halfClose: boolean
}

/** `count` requests; the same seed gives the same ones. */
export const malformed = (seed: number, count: number): ReadonlyArray<Malformed> => {
  const dice = makeDice(seed)
  return Array.from({ length: count }, (_, index) => {
    const [kind, make] = kinds[index % kinds.length] ?? kinds[0]
    const made = make(dice)
    return made instanceof Uint8Array
      ? { kind, bytes: made, halfClose: true }
      : { kind, bytes: requestBytes(made), halfClose: false }
  })
}

interface Dice {
  /** 0 to n - 1. */
  readonly below: (n: number) => number
  readonly pick: <A>(items: readonly [A, ...ReadonlyArray<A>]) => A
}

/** Mulberry32. */
const makeDice = (seed: number): Dice => {
  let state = seed | 0
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    const a = Math.imul(state ^ (state >>> 15), 1 | state)
    const b = (a + Math.imul(a ^ (a >>> 7), 61 | a)) ^ a
    return ((b ^ (b >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (n: number) => Math.floor(next() * n)
  return { below, pick: (items) => items[below(items.length)] ?? items[0] }
}

interface Sent {
  readonly method?: string
  readonly path?: string
  readonly headers?: ReadonlyArray<string>
  readonly contentType?: string
  readonly body?: string | Uint8Array
}

const publishPath = "/v1/topics/orders/messages"

const requestBytes = (sent: Sent): Uint8Array => {
  const { contentType = "application/json", headers = [], method = "POST", path = publishPath } =
    sent
  const body = Buffer.from(sent.body ?? "")
  const lines = [
    `${method} ${path} HTTP/1.1`,
    "host: 127.0.0.1",
    "connection: close",
    `content-type: ${contentType}`,
    `content-length: ${body.length}`,
    ...headers
  ]
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), body])
}

const valid = (dice: Dice) =>
  JSON.stringify({
    payload: { n: dice.below(1_000), text: "caf\u00e9", list: [1, { a: null }] },
    key: `k${dice.below(9)}`,
    headers: { a: "b" }
  })

const spoiledUtf8 = (dice: Dice): Uint8Array => {
  const bytes = Buffer.from(valid(dice))
  const at = dice.below(bytes.length + 1)
  const bad = dice.pick([[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [
    0x80
  ]])
  return Buffer.concat([bytes.subarray(0, at), Uint8Array.from(bad), bytes.subarray(at)])
}

const nested = (dice: Dice): string => {
  const depth = 129 + dice.below(dice.pick([10, 1_000, 100_000]))
  const [open, close] = dice.pick([["[", "]"], ["{\"a\":", "}"]] as const)
  return dice.pick([
    `{"payload":${open.repeat(depth)}1${close.repeat(depth)}}`,
    `${open.repeat(depth)}1${close.repeat(depth)}`,
    open.repeat(depth)
  ])
}

const batches = (dice: Dice): Sent => {
  const item = dice.pick([
    "{}",
    "1",
    "[]",
    "{\"topic\":\"a\"}",
    "{\"payload\":1}",
    "{\"topic\":\"a b\",\"payload\":1}",
    "{\"topic\":\"__proto__\",\"payload\":1,\"__proto__\":1}",
    "{\"topic\":\"_reply.x\",\"payload\":1}"
  ])
  const contentType = dice.pick(["application/json", "application/x-ndjson"])
  const items = Array.from({ length: 1 + dice.below(20) }, () => item)
  const json = dice.pick([`[${items.join(",")}]`, `[${items.join(",")}`, `[${item},]`, "[]", item])
  const body = contentType === "application/json" ? json : items.join("\n")
  return { path: "/v1/messages", contentType, body }
}

const admin = (dice: Dice): Sent =>
  dice.pick<Sent>([
    { method: "PUT", path: "/v1/subscriptions/s", body: `{"topic":${dice.pick(noJson)}}` },
    { method: "PUT", path: "/v1/subscriptions/s", body: "{\"topic\":\"a\",\"__proto__\":{}}" },
    { method: "PUT", path: "/v1/subscriptions/s", body: "{\"topic\":\"a.>.b\"}" },
    { method: "PUT", path: "/v1/subscriptions/%20", body: "{\"topic\":\"a\"}" },
    { path: "/v1/subscriptions/s/pull", body: "{\"max\":-1}" },
    { path: "/v1/subscriptions/s/pull", body: "{\"waitMs\":1e400}" },
    { path: "/v1/subscriptions/s/ack", body: "{\"ackIds\":[1]}" },
    { path: "/v1/subscriptions/s/ack", body: `{"ackIds":[${"0,".repeat(20_000)}0]}` },
    { path: "/v1/subscriptions/nobody/ack", body: "{\"ackIds\":[\"\\ud800\"]}" },
    { path: "/v1/dead-letters/replay", body: "{\"maxAgeSeconds\":-1}" },
    { path: "/v1/dead-letters/replay", body: "{\"ids\":[{}]}" },
    { method: "PATCH", path: "/v1/dead-letters/7", body: "{\"payload\":1}" },
    { method: "DELETE", path: "/v1/dead-letters/%00" },
    { method: "GET", path: "/v1/dead-letters?limit=%ff" },
    { method: "GET", path: `/v1/messages/${dice.pick(["%00", "__proto__", "%ff", "x"])}` }
  ])

const headers = (dice: Dice): Sent => ({
  body: "{\"payload\":1}",
  headers: [dice.pick([
    "content-encoding: gzip",
    "traceparent: 00-0-0-0",
    "origin: http://evil.example",
    "origin: null",
    `idempotency-key: ${"k".repeat(1_025)}`,
    "idempotency-key:",
    "expect: 200-maybe",
    "transfer-encoding: chunked",
    "content-length: 5",
    "content-length: -1",
    "bad header: x",
    "x: a\u0000b",
    `x: ${"y".repeat(17_000)}`
  ])]
})

const garbage = (dice: Dice): Uint8Array => {
  const random = Uint8Array.from({ length: 1 + dice.below(200) }, () => dice.below(256))
  const text = dice.pick([
    "GET / HTTP/9.9\r\n\r\n",
    "GET  / HTTP/1.1\r\n\r\n",
    "POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n" +
    "content-type: application/json\r\n\r\nzz\r\n",
    "POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\n content-length: 1\r\n\r\n",
    "GET /livez HTTP/1.1\r\n\r\n",
    "GET /livez HTTP/1.1\r\nhost: evil.example\r\n\r\n",
    "\u0016\u0003\u0001\u0002\u0000\u0001",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "GET http://127.0.0.1/v1 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
  ])
  // A first byte that starts no method, so that random bytes are never a request by chance.
  return dice.below(2) === 0
    ? Buffer.from(text, "latin1")
    : Buffer.concat([Buffer.from([0]), random])
}

const kinds: readonly [
  readonly [string, (dice: Dice) => Sent | Uint8Array],
  ...ReadonlyArray<readonly [string, (dice: Dice) => Sent | Uint8Array]>
] = [
  ["truncated", (dice) => {
    const body = Buffer.from(valid(dice))
    return { body: body.subarray(0, dice.below(body.length)) }
  }],
  ["utf8", (dice) => ({ body: spoiledUtf8(dice) })],
  ["noJson", (dice) => ({ body: `{"payload":${dice.pick(noJson)}}` })],
  ["field", (dice) => ({ body: `{"payload":1,${dice.pick(wrongFields)}}` })],
  [
    "unknown",
    (dice) => ({ body: `{"payload":1,${JSON.stringify(dice.pick(names))}:{"polluted":1}}` })
  ],
  ["surrogate", (dice) => ({
    body: `{"payload":[{"a\\\\":"${
      dice.pick(["\\ud800", "\\udfff", "\\ud800\\\\udc00", "x\\uDBFFy"])
    }"}]}`
  })],
  ["nested", (dice) => ({ body: nested(dice) })],
  ["contentType", (dice) => ({ body: valid(dice), contentType: dice.pick(contentTypes) })],
  ["topic", (dice) => ({
    path: `/v1/topics/${
      dice.pick(["%20", "a..b", ".", "%ff", "a%00", "*", ">", "%F0%9F%98%80", "_reply"])
    }/messages`,
    body: "{\"payload\":1}"
  })],
  ["route", (dice) => ({
    method: dice.pick(["GET", "PUT", "TRACE", "PATCH", "PURGE"]),
    path: dice.pick(["/", "/v1/topics/a/messages", "/../..", "/v1/messages", "/v1/ws", "/%00"])
  })],
  ["batch", batches],
  ["admin", admin],
  ["headers", headers],
  ["garbage", garbage]
]
