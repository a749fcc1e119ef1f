/**
 * The limits of the HTTP edge: what one request, one connection and one server may take.
 *
 * Bytes are UTF-8 bytes on the wire, times are milliseconds. Each is also a metric
 * (`http_edge_limit{name}`), so that a dashboard shows how near to it the edge runs.
 */
import {
  headersBytesMax,
  keyLengthMax,
  payloadBytesMax,
  payloadDepthMax
} from "../../domain/Message.ts"
import { requestMs } from "../../domain/Request.ts"
import { pullMax } from "../../services/MessageBus.ts"
import { tailsMaxDefault } from "../../services/Tails.ts"

/** All limits, by the names under which `/v1/info` and the metrics show them. */
export const edgeLimits = {
  payloadBytesMax,
  headersBytesMax,
  keyLengthMax,
  payloadDepthMax,
  /** One message: its payload and 64 KiB for all else. Source: design, section 9, "limits". */
  bodyBytesMax: payloadBytesMax + 65_536,
  /** Source: design, section 9, "limits". */
  batchBytesMax: 16 * 1_048_576,
  /** Bodies being read on all connections together: sixteen whole batches. */
  bodiesBytesMax: 16 * 16 * 1_048_576,
  /** Source: design, section 9, "limits". */
  batchMessagesMax: 10_000,
  pullMessagesMax: pullMax.count,
  pullBytesMax: pullMax.bytes,
  pullWaitMsMax: pullMax.waitMs,
  requestWaitMsMax: requestMs.max,
  /** Ack ids of one ack, nack or extend: two full pulls, and a body of at most 1.1 MB. */
  ackIdsMax: 10_000,
  /** Longest wait a nack may ask for: as long as the longest lease. */
  nackDelayMsMax: 3_600_000,
  /** Dead letters of one page; a page also ends at `pullBytesMax`. */
  deadLettersPageMax: 1_000,
  /** Parked deliveries of one page; a page also ends at `pullBytesMax`. */
  parkedPageMax: 1_000,
  /** Field errors named in one answer: enough to mend a request, too few to amplify one. */
  fieldErrorsMax: 10,
  /** Open event streams, with the broadcast handlers of the process. Source: as above. */
  eventStreamsMax: tailsMaxDefault,
  /** Bytes that wait for a reader of a stream before its tail stops. */
  streamBufferBytesMax: 65_536,
  /** A comment comes so often. */
  heartbeatMs: 15_000,
  /** A reader of a stream that takes nothing for so long is cut off. */
  streamStallMs: 60_000,
  /** Source: design, section 9, "Limits beside those above". */
  connectionsMax: 20_000,
  /** Bytes of a request's head. Source: faults, F21. */
  headBytesMax: 16_384,
  /** Headers of a request. Source: faults, F21 (Node's own limit, which drops the rest unseen). */
  headersMax: 2_000,
  /** Source: faults, F20: sockets of slow senders closed within 15 s. */
  headTimeoutMs: 10_000,
  /** Head and body. Source: faults, F20: slow bodies closed within 35 s. */
  requestTimeoutMs: 30_000,
  /** Source: design, section 9: longer than the 60 s of common load balancers. */
  keepAliveMs: 75_000,
  /** How often slow senders are looked for: within the 5 s that F20 leaves. */
  slowCheckMs: 2_500,
  /** How long running requests may finish once the bus has drained: part of the 5 s of P7. */
  closeMsMax: 1_500,
  /** Requests of one connection that are worked on at once: one that sends ahead is served too. */
  pipelinedMax: 1_000,
  /** A client that takes nothing of its reply for so long is gone. Source: faults, F20. */
  unreadMs: 30_000,
  /** A reply of so many bytes may have to wait for its client; smaller ones fit into the socket. */
  unreadBytesMin: 65_536,
  /** Bytes of replies that wait for their clients: thirty-two whole pulls. */
  unreadBytesMax: 32 * 8 * 1_048_576,
  /** How long a refused sender may read the answer before its connection is cut. */
  lingerMs: 1_000
} as const
