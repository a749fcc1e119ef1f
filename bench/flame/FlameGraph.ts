/**
 * Flame graphs as SVG: callers below, callees above, as wide as their time.
 */
import { escaped } from "../report/Plot.ts"
import type { Frame } from "./CpuProfile.ts"

/** Largest picture in bytes: what is too narrow to matter is left out until it fits. */
export const sizeMax = 200_000

const width = 1_200
const row = 17
const head = 28

/** Least width of a frame at first, in pixels, and of one that carries its name. */
const narrowest = 1
const named = 36

/** Width of a letter of the font, in pixels. */
const letter = 6.6

const colours: Readonly<Record<string, string>> = {
  "garbage collection": "#cf222e",
  "V8 and system": "#d0d7de",
  node: "#b4e197",
  effect: "#c297ff",
  bench: "#eaeef2"
}

/** Every part of the bus has a warm colour of its own. */
const warm = ["#ffb77c", "#ffd33d", "#ff9b50", "#ffc680", "#f9c513"]

/** The picture of a profile. */
export const flameGraph = (title: string, all: Frame, least = narrowest): string => {
  const picture = draw(title, all, least)
  return picture.length <= sizeMax ? picture : flameGraph(title, all, least * 1.5)
}

const draw = (title: string, all: Frame, least: number): string => {
  const perMicro = width / all.totalMicros
  const groups = new Map<string, string>()
  const colourOf = (group: string): string => {
    const known = colours[group] ?? groups.get(group)
    if (known !== undefined) return known
    const colour = warm[groups.size % warm.length] ?? ""
    groups.set(group, colour)
    return colour
  }
  const boxes: Array<{ frame: Frame; x: number; depth: number }> = []
  const place = (frame: Frame, x: number, depth: number): void => {
    boxes.push({ frame, x, depth })
    const children = [...frame.children.values()].toSorted((a, b) => b.totalMicros - a.totalMicros)
    children.reduce((at, child) => {
      const wide = child.totalMicros * perMicro
      if (wide >= least) place(child, at, depth + 1)
      return at + wide
    }, x)
  }
  place(all, 0, 0)
  const height = head + (1 + Math.max(...boxes.map(({ depth }) => depth))) * row
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" ` +
    `font-family="monospace" font-size="11"><rect width="${width}" height="${height}" ` +
    `fill="#ffffff"/><text x="4" y="18" font-size="13">${escaped(title)}</text>\n${
      boxes.map(({ depth, frame, x }) =>
        box(frame, x, height - (depth + 1) * row, perMicro, all, colourOf(frame.group))
      ).join("\n")
    }\n</svg>\n`
}

const box = (
  { name, place, totalMicros }: Frame,
  x: number,
  y: number,
  perMicro: number,
  all: Frame,
  fill: string
): string => {
  const wide = totalMicros * perMicro
  const share = (100 * totalMicros / all.totalMicros).toFixed(1)
  const shown = wide < named ? "" : name.slice(0, Math.floor((wide - 4) / letter))
  return `<g><title>${escaped(`${name} ${place} ${share} %`)}</title>` +
    `<rect x="${x.toFixed(1)}" y="${y}" width="${Math.max(0.5, wide - 0.5).toFixed(1)}" ` +
    `height="${row - 1}" fill="${fill}"/>${
      shown === "" ? "" : `<text x="${(x + 2).toFixed(1)}" y="${y + 12}">${escaped(shown)}</text>`
    }</g>`
}
