/**
 * What went wrong, of all that SQLite and the file system can say.
 *
 * Imports nothing of the program: the store's thread uses it and must start fast.
 */

/** A failure as a value; it travels between threads. */
export interface Failure {
  readonly reason: "Full" | "Io" | "ReadOnly" | "Locked" | "Damaged" | "Newer"
  readonly detail: string
}

/** By primary result code. Source: https://www.sqlite.org/rescode.html */
const bySqliteCode: ReadonlyMap<number, Failure["reason"]> = new Map([
  [5, "Locked"], // BUSY
  [6, "Locked"], // LOCKED
  [8, "ReadOnly"], // READONLY
  [11, "Damaged"], // CORRUPT
  [13, "Full"], // FULL
  [26, "Damaged"] // NOTADB
])

const bySystemCode: ReadonlyMap<string, Failure["reason"]> = new Map([
  ["ENOSPC", "Full"],
  ["EDQUOT", "Full"],
  ["EROFS", "ReadOnly"],
  ["EACCES", "ReadOnly"],
  ["EPERM", "ReadOnly"],
  ["ENOTDIR", "Damaged"] // A file stands where a directory belongs.
])

/** The failure behind something thrown by `node:sqlite` or `node:fs`. */
export const reasonOf = (thrown: unknown): Failure => {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  const errcode = "errcode" in error && typeof error.errcode === "number" ? error.errcode : 0
  const code = "code" in error && typeof error.code === "string" ? error.code : ""
  return {
    reason: bySqliteCode.get(errcode & 0xff) ?? bySystemCode.get(code) ?? "Io",
    detail: errcode === 0 ? error.message : `${error.message} (SQLite result code ${errcode})`
  }
}
