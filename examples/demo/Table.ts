/**
 * Tables for people: columns aligned, numbers to the right.
 */

/** Lines of a table; a column whose cells are all numbers is aligned to the right. */
export const table = (
  header: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string | number>>
): string => {
  const widths = header.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => String(row[column]).length))
  )
  const right = header.map((_, column) => rows.every((row) => typeof row[column] === "number"))
  const line = (cells: ReadonlyArray<string | number>) =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0
        return right[column] === true ? String(cell).padStart(width) : String(cell).padEnd(width)
      })
      .join("  ")
      .trimEnd()
  return [line(header), widths.map((width) => "-".repeat(width)).join("  "), ...rows.map(line)]
    .join("\n")
}
