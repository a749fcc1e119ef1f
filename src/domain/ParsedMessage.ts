/**
 * A message with payload and headers as values, each parsed when first read and then kept.
 */
import type { Message } from "./Message.ts"

const none: Readonly<Record<string, string>> = {}

/** One reading of a message, made by whoever looks inside: most messages are never parsed. */
export class ParsedMessage {
  readonly message: Message
  private parsedPayload: unknown = undefined
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
}
