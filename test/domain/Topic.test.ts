import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { isReserved, isTopicName, topicLengthMax, TopicName } from "../../src/domain/Topic.ts"

const agree = (text: string, expected: boolean) => {
  assert.strictEqual(isTopicName(text), expected, JSON.stringify(text))
  assert.strictEqual(Schema.is(TopicName)(text), expected, JSON.stringify(text))
}

describe("a topic", () => {
  it.prop("is made of segments of letters, digits, '_' and '-'", [Schema.String], ([text]) => {
    const segments = text.split(".")
    const plain = segments.every((part) => part !== "" && [...part].every((c) => /[\w-]/.test(c)))
    agree(text, plain && text.length <= topicLengthMax)
  }, { arbitrary: { runs: 500, seed: 6 } })

  it.each(["start_workflow", "analyze_code", "manage_bug", "a", "a.b-c._1", "__proto__", "0"])(
    "behaviour 15: may be called %s",
    (text) => agree(text, true)
  )

  it.each(["", ".", "a.", ".a", "a..b", "a b", "a/b", "*", "a.>", "é", "a\n", "a\0b", "＿"])(
    "may not be called %j",
    (text) => agree(text, false)
  )

  it("has at most 249 characters", () => {
    agree("a".repeat(249), true)
    agree("a".repeat(250), false)
  })

  it("pitfall 47: belongs to the bus by its whole first segment only", () => {
    for (const topic of ["message_bus", "message_bus.pause", "_reply", "_reply.pod.1"]) {
      assert.isTrue(isReserved(topic), topic)
    }
    for (const topic of ["message_bus2", "message_busy.a", "a.message_bus", "_replyx", "reply.a"]) {
      assert.isFalse(isReserved(topic), topic)
    }
  })
})
