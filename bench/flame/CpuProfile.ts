/**
 * CPU profiles as V8 writes them, read as a tree of frames with the time of each.
 *
 * Left out is what no message costs: idle time and the loading of modules.
 */
import { fileURLToPath } from "node:url"
import { root } from "../load/Processes.ts"

/** A function where it was called from; times are microseconds. */
export interface Frame {
  readonly name: string
  /** File and line, within the repository or the package; empty for what V8 brings. */
  readonly place: string
  /** The part of the program it belongs to. */
  readonly group: string
  selfMicros: number
  totalMicros: number
  readonly children: Map<string, Frame>
}

/** A function or a group with its own time, as a share of all. */
export interface Cost {
  readonly name: string
  readonly share: number
}

interface ProfileNode {
  readonly id: number
  readonly callFrame: {
    readonly functionName: string
    readonly url: string
    readonly lineNumber: number
  }
  readonly children?: ReadonlyArray<number>
}

interface Profile {
  readonly nodes: ReadonlyArray<ProfileNode>
  readonly samples: ReadonlyArray<number>
  readonly timeDeltas: ReadonlyArray<number>
}

const frame = (name: string, place: string, group: string): Frame => ({
  name,
  place,
  group,
  selfMicros: 0,
  totalMicros: 0,
  children: new Map()
})

/** Reads the text of a `.cpuprofile`. */
export const readProfile = (text: string): Frame => {
  const { nodes, samples, timeDeltas }: Profile = JSON.parse(text)
  const self = new Map<number, number>()
  samples.forEach((id, at) => self.set(id, (self.get(id) ?? 0) + (timeDeltas[at] ?? 0)))
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const all = frame("all", "", "")
  // The root itself has no time; what hangs below it is merged by function and place.
  const add = (into: Frame, ids: ReadonlyArray<number>): void => {
    for (const id of ids) {
      const node = byId.get(id)
      if (node === undefined || isLeftOut(node)) continue
      const { name, place, group } = described(node)
      const key = `${name} ${place}`
      const child = into.children.get(key) ?? frame(name, place, group)
      into.children.set(key, child)
      child.selfMicros += self.get(id) ?? 0
      add(child, node.children ?? [])
    }
  }
  add(all, nodes[0]?.children ?? [])
  sum(all)
  return all
}

const sum = (of: Frame): number => {
  of.totalMicros = of.selfMicros
  for (const child of of.children.values()) of.totalMicros += sum(child)
  return of.totalMicros
}

const isLeftOut = ({ callFrame: { functionName, url } }: ProfileNode): boolean =>
  functionName === "(idle)" || url.startsWith("node:internal/modules/")

const described = ({ callFrame: { functionName, lineNumber, url } }: ProfileNode) => {
  const path = url.startsWith("file:") ? fileURLToPath(url).replace(`${root}/`, "") : url
  const place = path.replace(/^.*node_modules\//, "")
  return {
    name: functionName || "(anonymous)",
    place: place === "" ? "" : `${place}:${lineNumber + 1}`,
    group: groupOf(functionName, place)
  }
}

const groupOf = (name: string, place: string): string => {
  if (name === "(garbage collector)") return "garbage collection"
  if (place === "") return "V8 and system"
  if (place.startsWith("node:")) return "node"
  const [, layer] = /^src\/layers\/([^/]+)\//.exec(place) ?? []
  if (layer !== undefined) return `layers/${layer}`
  if (place.startsWith("src/")) return "domain and services"
  return place.split("/")[0] ?? ""
}

/** What functions cost by themselves, dearest first. */
export const dearest = (all: Frame): ReadonlyArray<Cost> =>
  costs(all, ({ name, place }) => place === "" ? name : `${name} (${place})`)

/** What the parts of the program cost by themselves, dearest first. */
export const dearestGroups = (all: Frame): ReadonlyArray<Cost> => costs(all, ({ group }) => group)

const costs = (all: Frame, nameOf: (frame: Frame) => string): ReadonlyArray<Cost> => {
  const self = new Map<string, number>()
  const visit = (of: Frame): void => {
    if (of.selfMicros > 0) self.set(nameOf(of), (self.get(nameOf(of)) ?? 0) + of.selfMicros)
    of.children.forEach(visit)
  }
  visit(all)
  return [...self]
    .map(([name, micros]) => ({ name, share: micros / all.totalMicros }))
    .toSorted((a, b) => b.share - a.share)
}
