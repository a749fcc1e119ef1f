/**
 * Typed topics: a topic with the schema of its payloads, so that publishers and handlers agree at
 * compile time and a payload that does not fit is refused before it is stored.
 */
import * as Schema from "effect/Schema"
import { TopicName } from "./Topic.ts"

/** A topic whose payloads decode to `A`. */
export interface TypedTopic<A> {
  readonly name: TopicName
  readonly schema: Schema.Codec<A>
}

/** A typed topic. An illegal name is a mistake in the program, so it throws. */
export const make = <A>(name: string, schema: Schema.Codec<A>): TypedTopic<A> => ({
  name: Schema.decodeUnknownSync(TopicName)(name),
  schema
})
