/**
 * What a handler declares as dear to load: made once in each thread, and shared by its runs.
 */
import type { AgentOptions } from "../../services/Agent.ts"

/** One heavy part. Mutable on purpose: it is made at the first message, or before. */
export class Heavy {
  private readonly create: AgentOptions<unknown>["heavy"]
  private making: Promise<unknown> | undefined = undefined
  /** Whether `value` is there, so that a run need not wait for it. */
  isReady: boolean
  value: unknown = undefined

  constructor(create: AgentOptions<unknown>["heavy"]) {
    this.create = create
    this.isReady = create === undefined
  }

  /** The value once it is made. One that failed to be made is made again by the next call. */
  get(): Promise<unknown> {
    const { create } = this
    if (create === undefined || this.isReady) return Promise.resolve(this.value)
    this.making ??= Promise.resolve().then(create).then(
      (value) => {
        this.value = value
        this.isReady = true
        return value
      },
      (error: unknown) => {
        this.making = undefined
        return Promise.reject(error)
      }
    )
    return this.making
  }
}
