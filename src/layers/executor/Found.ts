/**
 * Handlers as they are found among the exports of an agent's module.
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { wordsOf } from "../../domain/ErrorWords.ts"
import type { AgentHandler, AgentOptions } from "../../services/Agent.ts"
import type { HandleOptions } from "../../services/CodeFactory.ts"
import type { LoadedHandler } from "../../services/Executor.ts"

/** A handler with its code, and what the bus must know of it. */
export interface Found extends Omit<LoadedHandler, "id"> {
  readonly handler: AgentHandler
}

/** The most handlers of one module: each is a subscription. */
export const handlersMax = 1_000

/** The handlers of a module, or what is wrong with it. */
export const find = (
  module: string,
  exports: Readonly<Record<string, unknown>>
): Result.Result<ReadonlyArray<Found>, string> => {
  const seen = new Set<unknown>()
  const found: Array<Found> = []
  // What has a name of its own first: `default` is often a second name of it.
  const names = Object.keys(exports).toSorted((a, b) =>
    Number(a === "default") - Number(b === "default")
  )
  for (const exported of names) {
    const handler = exports[exported]
    if (!isHandler(handler) || seen.has(handler)) continue
    seen.add(handler)
    const options = Result.try({
      try: () => plain(handler.options ?? {}),
      catch: (error) => wordsOf(() => error instanceof Error ? error.message : String(error))
    })
    if (Result.isFailure(options)) return Result.fail(`export ${exported}: ${options.failure}`)
    found.push({
      exported,
      subscription: handler.options?.name ??
        (exported === "default" ? module : `${module}.${exported}`),
      topic: typeof handler.topic === "string" ? handler.topic : handler.topic.name,
      options: options.success,
      handler
    })
  }
  return found.length === 0
    ? Result.fail("it exports no handler; export one made by `on`, or { topic, handle }")
    : found.length > handlersMax
    ? Result.fail(`it exports ${found.length} handlers; at most ${handlersMax} are allowed`)
    : Result.succeed(found)
}

const isHandler = (value: unknown): value is AgentHandler =>
  typeof value === "object" && value !== null &&
  "handle" in value && typeof value.handle === "function" &&
  "topic" in value && (typeof value.topic === "string" || isTyped(value.topic)) &&
  (!("options" in value) || value.options === undefined || isObject(value.options))

const isTyped = (topic: unknown): boolean =>
  isObject(topic) && "name" in topic && typeof topic.name === "string" && "schema" in topic

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

/** The options as plain data: they may come from another thread. Throws what is wrong with them. */
const plain = (options: AgentOptions<unknown>): LoadedHandler["options"] => {
  const { heavy: _heavy, maxAge, name: _name, retry, timeout, ...rest } = options
  if (typeof rest.filter === "function") {
    throw new Error("options.filter: expected conditions; a function cannot be stored")
  }
  // Not only their types: a program without types may give anything.
  const data: LoadedHandler["options"] = JSON.parse(JSON.stringify(rest))
  return {
    ...data,
    ...(timeout === undefined ? {} : { timeout: millis("timeout", timeout) }),
    ...(maxAge === undefined ? {} : { maxAge: millis("maxAge", maxAge) }),
    ...(retry === undefined ? {} : { retry: plainRetry(retry) })
  }
}

const plainRetry = (
  { base, cap, delays, factor, jitter }: NonNullable<HandleOptions["retry"]>
): NonNullable<HandleOptions["retry"]> => ({
  ...(base === undefined ? {} : { base: millis("retry.base", base) }),
  ...(cap === undefined ? {} : { cap: millis("retry.cap", cap) }),
  ...(factor === undefined ? {} : { factor }),
  ...(jitter === undefined ? {} : { jitter }),
  ...(delays === undefined
    ? {}
    : { delays: delays.map((delay) => millis("retry.delays", delay)) })
})

const millis = (field: string, input: Duration.Input): number => {
  const duration = Option.getOrUndefined(Duration.fromInput(input))
  if (duration === undefined || !Duration.isFinite(duration)) {
    throw new Error(`options.${field}: expected a finite duration`)
  }
  return Duration.toMillis(duration)
}
