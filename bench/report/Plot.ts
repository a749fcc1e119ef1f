/**
 * Plots as SVG: bars for contenders beside each other, lines for what grows.
 */
import type { Summary } from "../Measure.ts"
import type { Workload } from "../Workload.ts"
import { headOf, short } from "./Figures.ts"

const width = 720
const font = "font-family=\"system-ui, sans-serif\" font-size=\"12\""
const ink = "#24292f"
const faint = "#d0d7de"
const colours = ["#0969da", "#bf3989", "#1a7f37", "#9a6700"]
const peerColour = "#8c959f"

/** The plot of a workload. */
export const plot = (workload: Workload, summaries: ReadonlyArray<Summary>): string => {
  const measure = workload.plotted ?? "perSecond"
  const points = summaries.flatMap(({ name, series = "codefactory", values, x }) => {
    const y = values[measure]
    return y === undefined ? [] : [{ name, series, x, y }]
  })
  const label = headOf(measure, workload)
  const { axis } = workload
  return axis === undefined
    ? bars(workload.title, label, points)
    : lines(
      workload.title,
      `${label} by ${axis}`,
      points.map(({ x = 0, ...rest }) => ({ ...rest, x }))
    )
}

interface Bar {
  readonly name: string
  readonly y: number
}

const bars = (title: string, label: string, points: ReadonlyArray<Bar>): string => {
  const [left, top, row, room] = [200, 48, 26, width - 200 - 80]
  const most = Math.max(...points.map(({ y }) => y))
  return svg(top + points.length * row + 8, [
    heading(title, label),
    ...points.map(({ name, y }, index) => {
      const [at, length] = [top + index * row, Math.max(1, y / most * room)]
      const fill = isOurs(name) ? colours[0] : peerColour
      return `${text(left - 8, at + 14, name, "end")}` +
        `<rect x="${left}" y="${at}" width="${fixed(length)}" height="${
          row - 8
        }" fill="${fill}"/>` +
        text(left + length + 6, at + 14, short(y))
    })
  ])
}

/** The bus is named in its contenders; what is no peer of it stands in a workload of its own. */
const isOurs = (name: string): boolean => /codefactory|retention/.test(name)

interface Point extends Bar {
  readonly series: string
  readonly x: number
}

/** Both axes are logarithmic: a line that stays level does not grow. */
const lines = (title: string, label: string, points: ReadonlyArray<Point>): string => {
  const [left, right, top, bottom, height] = [64, width - 170, 56, 300, 336]
  const series = Map.groupBy(points, ({ series }) => series)
  const xs = [...new Set(points.map(({ x }) => x))].toSorted((a, b) => a - b)
  // Zero has no logarithm; it stands as far before the first as one power of ten.
  const positive = xs.find((x) => x > 0) ?? 1
  const scaleX = scale(xs.map((x) => x || positive / 10), left, right)
  const atX = (x: number) => scaleX(x || positive / 10)
  const ys = decades(points.map(({ y }) => y))
  const atY = scale(ys, bottom, top)
  return svg(height, [
    heading(title, label),
    ...ys.map((y) => `${rule(left, atY(y), right)}${text(left - 8, atY(y) + 4, short(y), "end")}`),
    ...xs.map((x) => text(atX(x), bottom + 20, short(x), "middle")),
    ...[...series].map(([name, of], index) => {
      const colour = colours[index % colours.length]
      const last = of.at(-1)
      const path = of.map(({ x, y }) => `${fixed(atX(x))},${fixed(atY(y))}`).join(" ")
      return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>` +
        of.map(({ x, y }) =>
          `<circle cx="${fixed(atX(x))}" cy="${fixed(atY(y))}" r="3" fill="${colour}"/>` +
          text(atX(x), atY(y) - 8, short(y), "middle")
        ).join("") +
        (last === undefined ? "" : text(right + 12, atY(last.y) + 4, name, "start", colour))
    })
  ])
}

/** The powers of ten around some numbers. */
const decades = (values: ReadonlyArray<number>): ReadonlyArray<number> => {
  const from = Math.floor(Math.log10(Math.min(...values)))
  const to = Math.max(from + 1, Math.ceil(Math.log10(Math.max(...values))))
  return Array.from({ length: to - from + 1 }, (_, index) => 10 ** (from + index))
}

const scale = (values: ReadonlyArray<number>, from: number, to: number) => {
  const [least, most] = [Math.log10(Math.min(...values)), Math.log10(Math.max(...values))]
  const span = most - least || 1
  return (value: number) => from + (Math.log10(value) - least) / span * (to - from)
}

const svg = (height: number, parts: ReadonlyArray<string>): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" ${font}>\n` +
  `<rect width="${width}" height="${height}" fill="#ffffff"/>\n${parts.join("\n")}\n</svg>\n`

const heading = (title: string, label: string): string =>
  `<text x="12" y="20" font-weight="600" fill="${ink}">${escaped(title)}</text>` +
  text(12, 37, label)

const text = (x: number, y: number, of: string, anchor = "start", fill = ink): string =>
  `<text x="${fixed(x)}" y="${fixed(y)}" text-anchor="${anchor}" fill="${fill}">${
    escaped(of)
  }</text>`

const rule = (x1: number, y: number, x2: number): string =>
  `<line x1="${x1}" y1="${fixed(y)}" x2="${x2}" y2="${fixed(y)}" stroke="${faint}"/>`

const fixed = (value: number): string => String(Math.round(value * 10) / 10)

/** A text within XML. */
export const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll("\"", "&quot;")
