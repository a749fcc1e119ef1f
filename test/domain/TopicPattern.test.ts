import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { covers, matcher, TopicPattern } from "../../src/domain/TopicPattern.ts"

const pattern = Schema.decodeUnknownSync(TopicPattern)
const matches = (wanted: string, topic: string) => matcher(pattern(wanted))(topic)

/** The rule as it is told: segment by segment, from the left. */
const reference = (wanted: ReadonlyArray<string>, topic: ReadonlyArray<string>): boolean => {
  const [want, ...wantedRest] = wanted
  const [segment, ...rest] = topic
  if (want === undefined || segment === undefined) return want === segment
  if (want === ">") return true
  return (want === "*" || want === segment) && reference(wantedRest, rest)
}

const segment = Schema.Literals(["a", "b", "c"])
const topics = Schema.NonEmptyArray(segment).check(Schema.isMaxLength(5))
const patterns = Schema.Struct({
  segments: Schema.NonEmptyArray(Schema.Literals(["a", "b", "*"])).check(Schema.isMaxLength(4)),
  open: Schema.Boolean
})

describe("a topic pattern", () => {
  it.prop("behaviour 5: matches as the rule told segment by segment does", {
    wanted: patterns,
    topic: topics
  }, ({ topic, wanted }) => {
    const segments = [...wanted.segments, ...(wanted.open ? [">"] : [])]
    assert.strictEqual(
      matches(segments.join("."), topic.join(".")),
      reference(segments, topic),
      `${segments.join(".")} on ${topic.join(".")}`
    )
  }, { arbitrary: { runs: 3_000, seed: 5 } })

  it.each([
    ["events.*.created", "events.user.created", true],
    ["events.*.created", "events.user.deleted", false],
    ["a.*", "a.b", true],
    ["a.*", "a", false],
    ["a.*", "a.b.c", false],
    ["a.>", "a.b.c", true],
    ["a.>", "a", false],
    ["a.>", "ab.c", false],
    [">", "a", true],
    ["*", "a.b", false],
    ["a.b", "a.b", true],
    ["a.b", "a.b.c", false],
    ["a.b", "xa.b", false]
  ])(
    "behaviour 5, pitfall 45: %s on %s is %s, by the whole name",
    (wanted, topic, expected) => assert.strictEqual(matches(wanted, topic), expected)
  )

  it("never reaches topics of the bus by a wildcard, only by naming them", () => {
    for (const wanted of [">", "*", "*.*", "*.>"]) {
      for (const topic of ["message_bus", "message_bus.pause", "_reply.1", "_reply.pod.id"]) {
        assert.isFalse(matches(wanted, topic), `${wanted} on ${topic}`)
      }
    }
    assert.isTrue(matches("message_bus.*", "message_bus.pause"))
    assert.isTrue(matches("_reply.>", "_reply.pod.id"))
    assert.isTrue(matches(">", "message_bus_2.pause"))
  })

  it.each([
    "",
    ".",
    "a.",
    ".a",
    "a..b",
    "a.>.b",
    ">.a",
    ">>",
    "a.**",
    "a*",
    "a.>b",
    "a b",
    "(a+)+$",
    "é",
    "a\n",
    "a".repeat(250)
  ])(
    "pitfall 45: is refused when it is %j, so that no expression of a user runs",
    (text) => assert.isFalse(Schema.is(TopicPattern)(text))
  )
})

describe("a pattern within another", () => {
  const names = ["a", "b", "message_bus", "z"]
  /** All topics of up to four segments; `z` stands in no pattern. */
  const all = [1, 2, 3, 4].reduce<ReadonlyArray<ReadonlyArray<string>>>(
    (shorter) => [
      ...shorter,
      ...shorter.flatMap((topic) => names.map((name) => [...topic, name])),
      ...(shorter.length === 0 ? names.map((name) => [name]) : [])
    ],
    []
  ).map((topic) => topic.join("."))
  const pool = ["a", "b", "message_bus", "*"].flatMap((first) => [
    first,
    ...["a", "b", "*", ">"].flatMap((second) => [
      `${first}.${second}`,
      ...(second === ">" ? [] : ["a", "*", ">"].map((third) => `${first}.${second}.${third}`))
    ])
  ]).concat(">")

  it("is covered exactly when every topic it matches is matched by the other", () => {
    for (const outer of pool) {
      const wider = matcher(pattern(outer))
      for (const inner of pool) {
        const narrower = matcher(pattern(inner))
        const escaped = all.find((topic) => narrower(topic) && !wider(topic))
        assert.strictEqual(
          covers(pattern(outer), pattern(inner)),
          escaped === undefined,
          `${outer} over ${inner}: ${escaped}`
        )
      }
    }
  })
})
