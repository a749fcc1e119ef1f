/**
 * Queries: the text after `?` by a schema of optional fields, unknown and repeated ones refused.
 */
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import { decoder } from "./BodyDecoding.ts"
import { shownName } from "./JsonFields.ts"
import { fieldInvalid, type Refusal } from "./Refusal.ts"

/** Parameters one query may have: more than any route knows. */
const parametersMax = 32

/** A decoder of queries; every value is text to the schema, which goes with it. */
export const queryDecoder = <S extends Schema.Decoder<unknown>>(schema: S) => {
  const decode = decoder(schema)
  const read = (query: string): Result.Result<S["Type"], Refusal> => {
    const parameters = Array.from(new URLSearchParams(query))
    if (parameters.length > parametersMax) {
      return Result.fail(fieldInvalid("query", `expected at most ${parametersMax} parameters`))
    }
    const names = parameters.map(([name]) => name)
    const twice = names.find((name, index) => names.indexOf(name) !== index)
    return twice === undefined
      ? decode(Object.fromEntries(parameters))
      : Result.fail(fieldInvalid(shownName(twice), "given twice"))
  }
  return Object.assign(read, { schema })
}
