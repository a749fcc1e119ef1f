/**
 * A trie of topic patterns: finds all that match a topic by walking the topic's segments, so that
 * the look-up costs segments and matches, however many patterns there are.
 *
 * It says what `matcher` says of each pattern, also of topics of the bus itself: a wildcard in
 * first place never reaches them.
 */
import { isReserved } from "./Topic.ts"

/** One segment deep. Values stand by name. */
class Node<A> {
  readonly literals = new Map<string, Node<A>>()
  /** Behind `*`. */
  any: Node<A> | undefined = undefined
  /** Of patterns that end here. */
  readonly ending = new Map<string, A>()
  /** Of patterns that end here in `>`. */
  readonly open = new Map<string, A>()

  get isEmpty(): boolean {
    return this.literals.size + this.ending.size + this.open.size === 0 && this.any === undefined
  }

  child(segment: string): Node<A> | undefined {
    return segment === "*" ? this.any : this.literals.get(segment)
  }

  grow(segment: string): Node<A> {
    const existing = this.child(segment)
    if (existing !== undefined) return existing
    const made = new Node<A>()
    if (segment === "*") this.any = made
    else this.literals.set(segment, made)
    return made
  }

  prune(segment: string): void {
    if (segment === "*") this.any = undefined
    else this.literals.delete(segment)
  }
}

/** Values by pattern and name. Mutable: subscriptions come and go. */
export class PatternTrie<A> {
  private readonly root = new Node<A>()
  /** Nodes that the last look-up visited: what it cost. */
  visited = 0

  /** Puts a value under a pattern and a name, in place of the one that was there. */
  set(pattern: string, name: string, value: A): void {
    const segments = pattern.split(".")
    const isOpen = segments.at(-1) === ">"
    const path = isOpen ? segments.slice(0, -1) : segments
    const end = path.reduce((node, segment) => node.grow(segment), this.root)
    const values = isOpen ? end.open : end.ending
    values.set(name, value)
  }

  /** Takes away what is under a pattern and a name, and the nodes that nothing needs any more. */
  delete(pattern: string, name: string): void {
    remove(this.root, pattern.split("."), 0, name)
  }

  /** Everything under patterns that match the topic. */
  match(topic: string): Array<A> {
    const found: Array<A> = []
    this.visited = 0
    this.walk(this.root, topic.split("."), 0, isReserved(topic), found)
    return found
  }

  private walk(
    node: Node<A>,
    segments: ReadonlyArray<string>,
    depth: number,
    reserved: boolean,
    found: Array<A>
  ): void {
    this.visited++
    const segment = segments[depth]
    if (segment === undefined) {
      for (const value of node.ending.values()) found.push(value)
      return
    }
    const literal = node.literals.get(segment)
    if (literal !== undefined) this.walk(literal, segments, depth + 1, reserved, found)
    if (reserved && depth === 0) return // A pattern has to name the first segment.
    for (const value of node.open.values()) found.push(value)
    if (node.any !== undefined) this.walk(node.any, segments, depth + 1, reserved, found)
  }
}

const remove = <A>(
  node: Node<A>,
  segments: ReadonlyArray<string>,
  depth: number,
  name: string
): void => {
  const segment = segments[depth]
  if (segment === undefined) node.ending.delete(name)
  else if (segment === ">") node.open.delete(name)
  else {
    const next = node.child(segment)
    if (next === undefined) return
    remove(next, segments, depth + 1, name)
    if (next.isEmpty) node.prune(segment)
  }
}
