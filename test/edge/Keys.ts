/**
 * Keys for tests of the door.
 */
import { Schema } from "effect"
import { createHash } from "node:crypto"
import { type Action, ApiKey } from "../../src/domain/ApiKey.ts"

/** A key with a credential that is as secret as a test's may be. */
export const keyOf = (
  id: string,
  actions: ReadonlyArray<Action>,
  topics: ReadonlyArray<string>,
  maxRequests?: number
): ApiKey =>
  Schema.decodeUnknownSync(ApiKey)({
    id,
    sha256: createHash("sha256").update(`secret of ${id}`.replaceAll(" ", "-")).digest("hex"),
    actions,
    topics,
    ...(maxRequests === undefined ? {} : { maxRequests })
  })

/** The header that a holder of the key sends. */
export const bearer = (id: string) => ({ authorization: `Bearer ${id}.secret-of-${id}` })
