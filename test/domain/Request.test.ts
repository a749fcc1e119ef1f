import { assert, describe, it } from "@effect/vitest"
import { isReplyTopic, replyTopicOf, requestHeaders } from "../../src/domain/Request.ts"
import { draft } from "../layers/bus/Drafts.ts"

describe("requests", () => {
  it("reply topics are those made for one reply, and no others", () => {
    const is = (topic: string) => isReplyTopic(draft(topic, 0).topic)
    assert.isTrue(is(replyTopicOf("pod-1", "9f6c")))
    for (const topic of ["_reply", "_reply.a", "_reply.a.b.c", "_replies.a.b", "a._reply.b.c"]) {
      assert.isFalse(is(topic), topic)
    }
  })

  it("name their reply topic over whatever the publisher said, and keep its own headers", () => {
    const own = `{"reply-to":"_reply.x.y","correlation-id":"mine","a":"b"}`
    assert.deepStrictEqual(JSON.parse(requestHeaders(own, "_reply.p.i", "i")), {
      "reply-to": "_reply.p.i",
      "correlation-id": "mine",
      "a": "b"
    })
    assert.deepStrictEqual(JSON.parse(requestHeaders(undefined, "_reply.p.i", "i")), {
      "reply-to": "_reply.p.i",
      "correlation-id": "i"
    })
  })
})
