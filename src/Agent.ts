/**
 * What an agent imports: `on` makes a handler, and every export of a module that is one is found.
 *
 * Apart from the library's entry, because it loads next to nothing: threads start with it.
 */
import type { TypedTopic } from "./domain/TypedTopic.ts"
import type { AgentHandle, AgentHandler, AgentOptions } from "./services/Agent.ts"

export type { AgentDelivery, AgentHandler, AgentOptions } from "./services/Agent.ts"

/**
 * A handler for the messages of a topic, pattern or typed topic. The payload of a plain topic is
 * what its publisher sent: name its type, or check it. One that does not fit a typed topic is dead.
 */
export const on = <Payload = unknown, Heavy = undefined>(
  topic: string | TypedTopic<Payload>,
  handle: AgentHandle<Payload, Heavy>,
  options: AgentOptions<Heavy> = {}
): AgentHandler => // A handler is only ever given payloads of its topic: hence the cast.
({ topic: topic as TypedTopic<unknown>, handle, options })

/**
 * What a handler throws when trying again would change nothing: its message is dead at once. The
 * bus knows it by its tag, as it does the one of the library, which would load more than threads
 * start with.
 */
export class PermanentFailure extends Error {
  readonly _tag = "PermanentFailure"
  override readonly name = "PermanentFailure"

  constructor({ reason }: { readonly reason: string }) {
    super(reason)
  }
}
