/**
 * A Redis that is needed and cannot be used.
 */
import * as Schema from "effect/Schema"

/**
 * The Redis that is asked for cannot be used. `Address`: it is none. `Away`: nobody answers.
 * `Denied`: the user or the password is wrong. `Unfit`: it does not do what is needed. Remedy:
 * correct its address, or the server.
 */
export class RedisUnopened extends Schema.TaggedError<RedisUnopened>()("RedisUnopened", {
  reason: Schema.Literals(["Address", "Away", "Denied", "Unfit"]),
  detail: Schema.String
}) {
  override get message(): string {
    return `the Redis of REDIS_URL cannot be used (${this.reason}): ${this.detail}; ` +
      "correct it, or run without"
  }
}
