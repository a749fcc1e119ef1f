/**
 * How bytes are posted between the threads: as the buffer that they lie in, and where in it.
 *
 * A view could be posted as it is. But Deno looks at each property of what arrives, and the
 * properties of a view are its bytes: measured, 1.4 ms for a block of 9 KB, at every commit.
 */

/** Bytes, as they are posted. */
interface Posted {
  readonly buffer: ArrayBufferLike
  readonly start: number
  readonly bytes: number
}

/** A body with its blocks and bytes made ready to be posted; all else is posted as it is. */
export const toPost = (body: unknown): unknown => mapped(body, posted)

/** The body that was made ready so. */
export const fromPost = (body: unknown): unknown => mapped(body, seen)

/** Blocks stand under two names, alone and as a list, and packed headers under a third. */
const mapped = (body: unknown, change: (bytes: unknown) => unknown): unknown => {
  if (typeof body !== "object" || body === null) return body
  if ("block" in body) return { ...body, block: block(body.block, change) }
  if ("blocks" in body && Array.isArray(body.blocks)) {
    return { ...body, blocks: body.blocks.map((one) => block(one, change)) }
  }
  return "bytes" in body ? { ...body, bytes: change(body.bytes) } : body
}

const block = (value: unknown, change: (bytes: unknown) => unknown): unknown =>
  typeof value === "object" && value !== null && "header" in value && "bodies" in value
    ? { ...value, header: change(value.header), bodies: change(value.bodies) }
    : value

const posted = (view: unknown): unknown =>
  view instanceof Uint8Array
    ? { buffer: view.buffer, start: view.byteOffset, bytes: view.byteLength } satisfies Posted
    : view

const isPosted = (value: unknown): value is Posted =>
  typeof value === "object" && value !== null && "buffer" in value && "start" in value

const seen = (value: unknown): unknown =>
  isPosted(value) ? new Uint8Array(value.buffer, value.start, value.bytes) : value
