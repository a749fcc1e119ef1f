/**
 * The key ring: keys by id, and the one comparison of secrets.
 */
import { createHash, timingSafeEqual } from "node:crypto"
import { type ApiKey, credentialParts, type Grant, grantOf } from "../../domain/ApiKey.ts"

/** Keys that can be asked. */
export interface KeyRing {
  readonly size: number
  readonly verify: (credential: string) => Grant | undefined
}

/** The ring of these keys, whose ids differ. */
export const makeKeyRing = (keys: ReadonlyArray<ApiKey>): KeyRing => {
  const byId = new Map(keys.map((key) => [
    key.id,
    { grant: grantOf(key), hash: Buffer.from(key.sha256, "hex") }
  ]))
  return {
    size: byId.size,
    verify: (credential) => {
      const parts = credentialParts(credential)
      if (parts === undefined) return undefined
      const hash = createHash("sha256").update(parts.secret).digest()
      const known = byId.get(parts.id)
      // An unknown id is compared as well, with a hash that nothing has.
      const same = timingSafeEqual(hash, known?.hash ?? nobodys)
      return same && known !== undefined ? known.grant : undefined
    }
  }
}

const nobodys = Buffer.alloc(32)
