/**
 * Trace context: which trace a message belongs to. Source: W3C, "Trace Context", level 1.
 */

/** The span that a text names. */
export interface TraceParent {
  readonly traceId: string
  readonly spanId: string
  readonly isSampled: boolean
}

const shape = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const zeros = /^0+$/

/** The span of a `traceparent`, or nothing if it is none: then the trace begins anew. */
export const parseTraceparent = (text: string | undefined): TraceParent | undefined => {
  const [, traceId, spanId, flags, more] = shape.exec(text ?? "") ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  const isFirst = text?.startsWith("00-") === true
  if (text?.startsWith("ff-") === true || (isFirst && more !== undefined)) return undefined
  if (zeros.test(traceId) || zeros.test(spanId)) return undefined
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 }
}

/** The `traceparent` of a span. */
export const traceparentOf = ({ isSampled, spanId, traceId }: TraceParent): string =>
  `00-${traceId}-${spanId}-${isSampled ? "01" : "00"}`
