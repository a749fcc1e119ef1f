/**
 * Ack ids: what a consumer sends back to settle one hand-out of one delivery.
 *
 * Opaque to clients. The text names subscription incarnation, log lane (128 means an own row),
 * offset or own-row id, attempt, hand-out number and epoch, each in base 36. The attempt tells a
 * successor of the process, which knows no hand-out numbers, the last hand-out from earlier ones.
 */

import { partitionOfLogLane, partitionOfNumber } from "./Position.ts"

/** The log lane number that stands for own rows, which have ids instead of offsets. */
export const ownRowLane = 128

/** The parts of an ack id. */
export interface AckId {
  readonly incarnation: number
  readonly logLane: number
  readonly offset: number
  /** From 1. */
  readonly attempt: number
  /** Unique within an epoch. */
  readonly handOut: number
  readonly epoch: number
}

/** The partition that a place belongs to. */
export const partitionOf = ({ logLane, offset }: Pick<AckId, "logLane" | "offset">): number =>
  logLane === ownRowLane ? partitionOfNumber(offset) : partitionOfLogLane(logLane)

/** The text of an ack id. */
export const format = (id: AckId): string =>
  [id.incarnation, id.logLane, id.offset, id.attempt, id.handOut, id.epoch]
    .map((part) => part.toString(36))
    .join("-")

const shape = /^[0-9a-z]{1,10}(-[0-9a-z]{1,10}){5}$/

/** The parts of a text, or `undefined` when it is no ack id. */
export const parse = (text: string): AckId | undefined => {
  if (!shape.test(text)) return undefined
  const [incarnation, logLane, offset, attempt, handOut, epoch] = text
    .split("-")
    .map((part) => Number.parseInt(part, 36))
  return incarnation === undefined || logLane === undefined || offset === undefined ||
      attempt === undefined || handOut === undefined || epoch === undefined || logLane > ownRowLane
    ? undefined
    : { incarnation, logLane, offset, attempt, handOut, epoch }
}
