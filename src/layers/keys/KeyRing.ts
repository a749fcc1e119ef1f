/**
 * The key ring: keys by id, and the one comparison of secrets.
 */
import { createHash, timingSafeEqual } from "node:crypto"
import { type ApiKey, credentialParts, type Grant, grantOf } from "../../domain/ApiKey.ts"

/** Keys that can be asked. */
export interface KeyRing {
  readonly size: number
  readonly verify: (credential: string) => Grant | undefined
  /** What a key of this id allows, and the entry that says so. */
  readonly entryOf: (id: string) => { readonly grant: Grant; readonly text: string } | undefined
}

/**
 * The ring of these keys, whose ids differ. The grant of a key that is in the `former` ring as it
 * is here is the same one, so that whoever holds it keeps it.
 */
export const makeKeyRing = (keys: ReadonlyArray<ApiKey>, former?: KeyRing): KeyRing => {
  const byId = new Map(keys.map((key) => {
    const text = JSON.stringify(key)
    const known = former?.entryOf(key.id)
    const grant = known?.text === text ? known.grant : grantOf(key)
    return [key.id, { grant, text, hash: Buffer.from(key.sha256, "hex") }]
  }))
  return {
    size: byId.size,
    entryOf: (id) => byId.get(id),
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
