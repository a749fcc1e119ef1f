/**
 * `codefactory key`: makes an API key and its entry for the keys file.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { createHash, randomBytes } from "node:crypto"
import { ApiKey } from "../../domain/ApiKey.ts"
import { json, WrongUsage } from "./Flags.ts"
import { print } from "./Output.ts"

/** Bytes of a secret: 256 bits, so that a plain hash of it is as good as a slow one. */
const secretBytes = 32

/** Bytes of an id that nobody chose. */
const idBytes = 6

const list = (name: string, fallback: string, description: string) =>
  Flag.String(name).pipe(
    Flag.withDefault(fallback),
    Flag.withDescription(`${description} (default: ${fallback})`)
  )

const decode = Schema.decodeUnknownResult(ApiKey)

/** `codefactory key`. The secret is shown once and kept nowhere. */
export const key = Command.make(
  "key",
  {
    json,
    id: Flag.String("id").pipe(Flag.withDescription("Id of the key"), Flag.withDefault("")),
    actions: list("actions", "publish,consume", "Any of publish,consume,replay,lock,admin"),
    topics: list("topics", ">", "Topic patterns, separated by commas")
  },
  (asked) =>
    Effect.gen(function*() {
      const id = asked.id === "" ? randomBytes(idBytes).toString("hex") : asked.id
      const secret = randomBytes(secretBytes).toString("base64url")
      const entry = decode({
        id,
        sha256: createHash("sha256").update(secret).digest("hex"),
        actions: asked.actions.split(","),
        topics: asked.topics.split(",")
      })
      if (Result.isFailure(entry)) {
        return yield* new WrongUsage({ message: String(entry.failure.message) })
      }
      yield* print(
        asked.json
          ? JSON.stringify({ key: `${id}.${secret}`, entry: entry.success })
          : [
            "The key, for the client (it is shown once):",
            `  ${id}.${secret}`,
            "Its entry, for the array in the file that API_KEYS_FILE names:",
            `  ${JSON.stringify(entry.success)}`
          ].join("\n")
      )
    })
).pipe(Command.withDescription("Make an API key and its entry for API_KEYS_FILE"))
