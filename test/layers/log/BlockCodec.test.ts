import { assert, it } from "@effect/vitest"
import { crc32 } from "node:zlib"
import type { MessageId } from "../../../src/domain/MessageId.ts"
import { BlockHeader, BlockWriter } from "../../../src/layers/log/BlockCodec.ts"
import { blockVersion, isIntact, seal } from "../../../src/layers/log/BlockLayout.ts"
import type { LogEntry } from "../../../src/services/MessageLog.ts"
import { entryOf } from "../../contracts/LogSamples.ts"

/** Everything a message can say, each with a text that is longer in UTF-8 than in UTF-16. */
const fullest: LogEntry = {
  ...entryOf({ logLane: 2, payload: "\"é\"", key: "ké", idempotencyKey: "ié", headers: "{}" }),
  fingerprint: "f"
}
const message = {
  ...fullest.message,
  priority: 9,
  contentType: "text/plain",
  traceparent: "00-1-1-00",
  deliverAt: 1_700_000_100_000.5,
  expiresAt: 1_700_000_200_000,
  context: "{\"tenant\":\"é\"}",
  replayOf: fullest.message.id
}

const roundTrip = (entry: LogEntry): LogEntry | undefined => {
  const { bodies, header } = new BlockWriter().write(1, [entry], () => 7)
  seal(header, bodies)
  return BlockHeader.read(header)?.entry(0, bodies)
}

it("a block keeps every field of a message, and the absence of every one (behaviour 84)", () => {
  for (const absent of [undefined, ...Object.keys(message)]) {
    const entry = { ...fullest, message: { ...message, [absent ?? "none"]: undefined } }
    if (["id", "topic", "payload", "priority", "publishedAt"].includes(absent ?? "")) continue
    const { none: _, ...expected } = { ...entry.message, none: undefined }
    assert.deepStrictEqual(roundTrip(entry)?.message, expected)
    assert.strictEqual(roundTrip(entry)?.fingerprint, "f")
  }
})

/** A block as version 1 wrote it: one message in lane 3, priority 9, with key and expiry. */
const firstVersion = (version: number) => {
  const texts = Buffer.from("0190-idkey{\"a\":1}") // Id, key, payload.
  const body = Buffer.alloc(2 + 8 + 8 + 4 * 2)
  body.writeUInt8(1 | 32, 0)
  body.writeUInt8(9, 1)
  body.writeDoubleLE(1_700_000_000_000, 2)
  body.writeDoubleLE(1_800_000_000_000, 10)
  body.writeUInt32LE(7, 18)
  body.writeUInt32LE(3, 22)
  const bodies = Buffer.concat([body, texts])
  const header = Buffer.alloc(56 + 28 + 2 + 6)
  header.writeUInt32LE(0x31424643, 0)
  header.writeUInt32LE(version, 4)
  header.writeUInt32LE(header.length, 12)
  header.writeUInt32LE(1, 16)
  header.writeDoubleLE(1_700_000_000_000, 40)
  header.writeUInt32LE(1, 48)
  header.writeUInt32LE(bodies.length, 52)
  header.writeUInt32LE(3, 56)
  header.writeDoubleLE(41, 60)
  header.writeUInt32LE(bodies.length, 72)
  header.writeUInt32LE(7, 76)
  header.writeUInt32LE(crc32(bodies), 80)
  header.writeUInt16LE(6, 84)
  header.write("orders", 86)
  header.writeUInt32LE(crc32(header.subarray(12)), 8)
  return { header, bodies }
}

it("blocks of version 1 are read as they were written", () => {
  const { bodies, header } = firstVersion(1)
  assert.isTrue(isIntact(header))
  const entry = BlockHeader.read(header)?.entry(0, bodies)
  assert.deepStrictEqual(entry, {
    message: {
      id: "0190-id" as MessageId,
      topic: "orders",
      payload: "{\"a\":1}",
      priority: 9,
      key: "key",
      idempotencyKey: undefined,
      headers: undefined,
      contentType: undefined,
      traceparent: undefined,
      publishedAt: 1_700_000_000_000,
      deliverAt: undefined,
      expiresAt: 1_800_000_000_000,
      context: undefined,
      replayOf: undefined
    } as LogEntry["message"],
    fingerprint: undefined,
    bytes: 7,
    partition: 1,
    lane: 1,
    logLane: 3,
    offset: 41,
    pending: 0
  })
})

it("blocks of a newer version are not read", () => {
  assert.isTrue(isIntact(firstVersion(blockVersion).header))
  assert.isFalse(isIntact(firstVersion(blockVersion + 1).header))
  assert.isFalse(isIntact(firstVersion(0).header))
})
