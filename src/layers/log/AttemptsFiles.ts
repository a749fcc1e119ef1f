/**
 * The attempts journal: which deliveries were handed out, in two files used in turn.
 *
 * A message that kills its process must be counted, so hand-outs are noted before handlers run, by
 * one write into the page cache: that outlives the process, though not a power cut. A checkpoint
 * turns to the other file and, once the log has committed what it covers, forgets the first. The
 * files have their size from the start, so that a full disk cannot stop hand-outs.
 *
 *     frame   u32 magic, u32 epoch, u32 generation, u32 takes, u32 crc of those
 *     takes   as `TakesCodec.ts` writes them
 *
 * A file begins with an empty frame; frames of another generation behind it are old.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import { crc32 } from "node:zlib"
import { LogUnavailable, type Take } from "../../services/MessageLog.ts"
import { reasonOf } from "../drivers/sqlite/Failure.ts"
import type { Checkpoint } from "./LogStore.ts"
import { readTakes, takeBytes, writeTakes } from "./TakesCodec.ts"

/** Size of a new file: 50,000 hand-outs between two checkpoints. */
const fileBytes = 1_048_576

/** A file grows no further: without checkpoints, hand-outs stop here. */
const fileBytesMax = 64 * fileBytes

const magic = 0x31414643 // "CFA1"
const frameBytes = 20

interface File {
  readonly fd: number
  generation: number
  length: number
}

/** The open journal. What it throws while opening are errors of `node:fs`. */
export class AttemptsFiles {
  private current: File
  private other: File
  private epoch = 0
  private generation = 0
  private covering = false
  private buffer = Buffer.allocUnsafeSlow(frameBytes + 1_024 * takeBytes)

  /** Opens the files in `directory`, or makes them; `reset` must come before the first note. */
  constructor(directory: string) {
    this.current = open(join(directory, "attempts-a"))
    this.other = open(join(directory, "attempts-b"))
  }

  /** What was noted in an epoch and not forgotten. */
  read(epoch: number): ReadonlyArray<Take> {
    return [this.current, this.other].flatMap(({ fd }) => readFrames(fs.readFileSync(fd), epoch))
  }

  /** Forgets everything and begins a new epoch. */
  reset(epoch: number): void {
    this.epoch = epoch
    this.restart(this.current)
    this.restart(this.other)
  }

  /**
   * Notes hand-outs; `undefined` when that worked. Synchronous: one write into the page cache is
   * cheaper than any hand-over to a thread.
   */
  readonly note = (takes: ReadonlyArray<Take>): LogUnavailable | undefined => {
    const bytes = frameBytes + takes.length * takeBytes
    if (this.current.length + bytes > fileBytesMax) {
      const detail = "the attempts journal is full: its last checkpoints failed"
      return new LogUnavailable({ reason: "Full", detail })
    }
    if (bytes > this.buffer.length) this.buffer = Buffer.allocUnsafeSlow(bytes * 2)
    writeTakes(this.buffer, frameBytes, takes)
    try { // `node:fs` throws; this is where it is wrapped.
      this.writeFrame(this.current, takes.length)
      return undefined
    } catch (cause) {
      const { detail, reason } = reasonOf(cause)
      const known = reason === "Full" || reason === "ReadOnly" ? reason : "Io"
      return new LogUnavailable({ reason: known, detail: `attempts journal: ${detail}` })
    }
  }

  /** As `AttemptsJournal` has it. */
  readonly checkpoint = (): Checkpoint | undefined => {
    if (this.covering) return undefined
    const covered = this.current
    this.current = this.other
    this.other = covered
    this.covering = true
    return (outcome) => {
      this.covering = false
      if (outcome === "Failed") return
      try { // An old note is harmless: it only repeats what the checkpoint says.
        this.restart(covered)
      } catch { /* The next checkpoint tries again. */ }
    }
  }

  /** Closes the files. */
  close(): void {
    fs.closeSync(this.current.fd)
    fs.closeSync(this.other.fd)
  }

  private restart(file: File): void {
    file.generation = ++this.generation
    file.length = 0
    this.writeFrame(file, 0)
  }

  private writeFrame(file: File, takes: number): void {
    const bytes = frameBytes + takes * takeBytes
    this.buffer.writeUInt32LE(magic, 0)
    this.buffer.writeUInt32LE(this.epoch, 4)
    this.buffer.writeUInt32LE(file.generation, 8)
    this.buffer.writeUInt32LE(takes, 12)
    this.buffer.writeUInt32LE(crc32(this.buffer.subarray(frameBytes, bytes)), 16)
    const written = fs.writeSync(file.fd, this.buffer, 0, bytes, file.length)
    if (written < bytes) throw new Error("short write") // Not advanced: the next one overwrites it.
    file.length += bytes
  }
}

const open = (path: string): File => {
  const fd = fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600)
  const missing = fileBytes - fs.fstatSync(fd).size
  if (missing > 0) fs.writeSync(fd, Buffer.alloc(missing), 0, missing, fileBytes - missing)
  return { fd, generation: 0, length: 0 }
}

/** The takes of all frames up to the first that is torn, old, or of another epoch. */
const readFrames = (bytes: Buffer, epoch: number): ReadonlyArray<Take> => {
  const takes: Array<Take> = []
  const generation = bytes.readUInt32LE(8)
  let at = 0 // A cursor over the frames.
  while (at + frameBytes <= bytes.length) {
    const count = bytes.readUInt32LE(at + 12)
    const body = bytes.subarray(at + frameBytes, at + frameBytes + count * takeBytes)
    const isWhole = bytes.readUInt32LE(at) === magic && bytes.readUInt32LE(at + 4) === epoch &&
      bytes.readUInt32LE(at + 8) === generation && body.length === count * takeBytes &&
      bytes.readUInt32LE(at + 16) === crc32(body)
    if (!isWhole) break
    for (const take of readTakes(body)) takes.push(take)
    at += frameBytes + body.length
  }
  return takes
}
