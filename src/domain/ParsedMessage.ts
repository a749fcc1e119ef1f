/**
 * A message with payload and headers as values, each parsed when first read and then kept.
 */
import { type Carried, type ContextValues, nothing } from "./ExecutionContext.ts"
import type { Message } from "./Message.ts"

const none: Readonly<Record<string, string>> = {}

/** One reading of a message, made by whoever looks inside: most messages are never parsed. */
export class ParsedMessage {
  readonly message: Message
  private parsedPayload: unknown = undefined
  private parsedContext: Carried | undefined = undefined
  private parsedHeaders: Readonly<Record<string, string>> | undefined = undefined

  constructor(message: Message) {
    this.message = message
  }

  /** The payload as a value. */
  get payload(): unknown {
    if (this.parsedPayload === undefined) this.parsedPayload = JSON.parse(this.message.payload)
    return this.parsedPayload
  }

  /** The headers as an object. */
  get headers(): Readonly<Record<string, string>> {
    const { headers } = this.message
    this.parsedHeaders ??= headers === undefined ? none : JSON.parse(headers)
    return this.parsedHeaders ?? none
  }
  /** The context as it travels on, when a handler publishes. */
  get carried(): Carried {
    const text = this.message.context
    this.parsedContext ??= text === undefined
      ? nothing
      : { values: Object.freeze(JSON.parse(text)), text }
    return this.parsedContext
  }

  /** The context of its publisher. */
  get context(): ContextValues {
    return this.carried.values
  }
}
