/**
 * Tables: columns aligned by spaces, columns of numbers to the right.
 */

const gap = "  "

const number = /^-?[\d,.]*$/

/** The lines of a table; a row shorter than the head ends early. */
export const table = (
  head: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string>>
): string => {
  const columns = head.map((title, column) => {
    const cells = rows.map((row) => row[column] ?? "")
    return {
      width: Math.max(title.length, ...cells.map((cell) => cell.length)),
      isNumeric: cells.every((cell) => number.test(cell))
    }
  })
  return [head, ...rows]
    .map((row) =>
      columns
        .map(({ isNumeric, width }, column) => {
          const cell = row[column] ?? ""
          return isNumeric ? cell.padStart(width) : cell.padEnd(width)
        })
        .join(gap)
        .trimEnd()
    )
    .join("\n")
}

/** A whole number with separators: 12,345. */
export const grouped = (value: number): string => Math.round(value).toLocaleString("en-US")

/** "1 message", "2 messages". */
export const counted = (count: number, noun: string): string =>
  `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`
