"""Products of matrices in C: those that are smaller than what the BLAS is made for, with functions of our own.

A block of rows times two vectors of columns is kept in registers; the columns are packed, transposed if need be, so
that the inner loop reads them one after the other.
"""

from __future__ import annotations

from typing import NamedTuple


class Lanes(NamedTuple):
    """What a processor has: bytes of a vector, and rows of a block whose sums fit into the registers."""

    bytes: int
    rows: int


LANES = {16: Lanes(64, 14), 8: Lanes(32, 6), 4: Lanes(16, 6), 1: Lanes(16, 6)}
"""By how many float32 numbers a vector holds."""


SIZES = {"float": 4, "double": 8}
"""Bytes of an element."""

LARGEST = 512**3
"""Multiplications of the largest product of our own: OpenBLAS is as fast at mid, and faster beyond."""

FEW = 3
"""Rows for which columns are not packed."""

TOGETHER = 4
"""Sums that are computed at once where each is one long chain of additions."""

NARROW = 12
"""Columns below which the BLAS is taken: most of a vector would be empty."""

BLOCK = """\
static void __attribute__((noinline)) {name}(long n, const {t} *a, long by_row, long by_column, const {t} *b, {t} *c,
                                             long distance) {{
    typedef {t} vector __attribute__((vector_size({bytes}), aligned({size})));
    vector {sums};
    for (long i = 0; i < n; i++, a += by_column, b += {width}) {{
        const vector {columns};
{steps}
    }}
{stores}
}}"""

DOTS = """\
static void __attribute__((noinline)) {name}(long n, long columns, const {t} *a, const {t} *b, long distance, {t} *c) {{
    for (long j = 0; j < columns; j += {many}, b += {many} * distance) {{
        {t}_{lane} {sums};
        {t} {rests};
        long k = 0;
        for (; k + {lane} <= n; k += {lane}) {{
            const {t}_{lane} x = *(const {t}_{lane} *)(a + k);
{steps}
        }}
        for (; k < n; k++) {{ {last} }}
        {stores}
    }}
}}"""

PACK = """\
static void __attribute__((noinline)) pack_{t}(long n, long columns, long width, const {t} *b, long by_row,
                                               long by_column, {t} *packed) {{
    if (by_column == 1)
        for (long i = 0; i < n; i++) {{
            #pragma omp simd
            for (long j = 0; j < columns; j++) packed[i * width + j] = b[i * by_row + j];
        }}
    else {{
        long j = 0;
        typedef {t} four __attribute__((vector_size({four}), aligned({size})));
        typedef {i} pick __attribute__((vector_size({four})));
        for (; by_row == 1 && j + 4 <= columns; j += 4) {{
            const {t} *from = b + j * by_column;
            {t} *to = packed + j;
            long i = 0;
            for (; i + 4 <= n; i += 4, from += 4, to += 4 * width) {{
                const four r0 = *(const four *)from, r1 = *(const four *)(from + by_column),
                           r2 = *(const four *)(from + 2 * by_column), r3 = *(const four *)(from + 3 * by_column);
                const four l0 = MIX(r0, r1, 0, 4, 1, 5), h0 = MIX(r0, r1, 2, 6, 3, 7),
                           l1 = MIX(r2, r3, 0, 4, 1, 5), h1 = MIX(r2, r3, 2, 6, 3, 7);
                *(four *)to = MIX(l0, l1, 0, 1, 4, 5);
                *(four *)(to + width) = MIX(l0, l1, 2, 3, 6, 7);
                *(four *)(to + 2 * width) = MIX(h0, h1, 0, 1, 4, 5);
                *(four *)(to + 3 * width) = MIX(h0, h1, 2, 3, 6, 7);
            }}
            for (; i < n; i++, from++, to += width)
                for (long k = 0; k < 4; k++) to[k] = from[k * by_column];
        }}
        for (; j < columns; j++)
            for (long i = 0; i < n; i++) packed[i * width + j] = b[i * by_row + j * by_column];
    }}
    for (long i = 0; i < n; i++)
        for (long j = columns; j < width; j++) packed[i * width + j] = 0;
}}"""

MIX = """\
#if defined(__clang__) || __GNUC__ >= 12
#define MIX(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
#define MIX(a, b, i, j, k, l) __builtin_shuffle(a, b, (pick){i, j, k, l})
#endif"""


class Products:
    """The products of a program that are our own, and the functions they use."""

    def __init__(self, lanes: Lanes, has_blas: bool = True) -> None:
        self.lanes, self.has_blas = lanes, has_blas
        self.blocks: dict[str, str] = {}
        self.rows_by_columns: dict[str, str] = {}

    def takes(self, rows: int, columns: int, inner: int) -> bool:
        """Whether a product is better here than in the BLAS."""
        return not self.has_blas or rows <= FEW or (columns >= NARROW and rows * columns * inner <= LARGEST)

    def block(self, t: str, rows: int, width: int) -> str:
        """The function that multiplies some rows with so many packed columns: one vector, or two."""
        name = f"rows_{rows}x{width}_{t}"
        if name not in self.blocks:
            size = SIZES[t]
            lane = min(self.lanes.bytes // size, width)
            vectors = range(width // lane)
            sums = ", ".join(f"s{r}_{v} = {{0}}" for r in range(rows) for v in vectors)
            columns = ", ".join(f"b{v} = *(const vector *)(b + {v * lane})" for v in vectors)
            steps, stores = [], []
            for r in range(rows):
                each = " ".join(f"s{r}_{v} += x * b{v};" for v in vectors)
                steps.append(f"        {{ const {t} x = a[{r} * by_row]; {each} }}")
                stores += [f"    *(vector *)(c + {r} * distance + {v * lane}) = s{r}_{v};" for v in vectors]
            self.blocks[name] = BLOCK.format(
                name=name, t=t, bytes=lane * size, size=size, width=width, sums=sums, columns=columns,
                steps="\n".join(steps), stores="\n".join(stores),
            )  # fmt: skip
        return name

    def dots(self, t: str, many: int) -> str:
        """The function that multiplies a row with so many columns that lie in memory one after the other."""
        name, lane, each = f"dots_{many}_{t}", self.lanes.bytes // SIZES[t], range(many)
        if name not in self.rows_by_columns:
            self.rows_by_columns[f"total_{t}"] = self.total(t)
            self.rows_by_columns[name] = DOTS.format(
                name=name, t=t, many=many, lane=lane, sums=", ".join(f"s{j} = {{0}}" for j in each),
                rests=", ".join(f"r{j} = 0" for j in each),
                steps="\n".join(
                    f"            s{j} += x * *(const {t}_{lane} *)(b + {j} * distance + k);" for j in each
                ),
                last=" ".join(f"r{j} += a[k] * b[{j} * distance + k];" for j in each),
                stores=" ".join(f"c[j + {j}] = total_{t}(s{j}) + r{j};" for j in each),
            )  # fmt: skip
        return name

    def total(self, t: str) -> str:
        """The function that adds up the elements of a vector, and the types of vectors."""
        lane, types, steps = self.lanes.bytes // SIZES[t], [], []
        head = f"static inline {t} total_{t}({t}_{lane} v{lane}) {{"
        while lane > 1:
            types.append(
                f"typedef {t} {t}_{lane} __attribute__((vector_size({lane * SIZES[t]}), aligned({SIZES[t]})));"
            )
            lane //= 2
            if lane > 1:
                half = f"((const {t}_{lane} *)&v{2 * lane})"
                steps.append(f"    const {t}_{lane} v{lane} = {half}[0] + {half}[1];")
        return "\n".join([*types, head, *steps, "    return v2[0] + v2[1];", "}"])

    def scratch(self, t: str, rows: int, columns: int, inner: int) -> int:
        """Bytes it needs for packed columns, and for the last columns of the result."""
        return 2 * self.lanes.bytes * inner + self.lanes.bytes * 2 * rows

    def body(self, t: str, rows: int, columns: int, inner: int, a: tuple[int, int], b: tuple[int, int]) -> list[str]:
        """The statements of c = a @ b, given the distances of rows and of columns; ``packed`` is memory for it."""
        if rows <= FEW:
            return self.few_rows(t, rows, columns, inner, a, b)
        widest = 2 * self.lanes.bytes // SIZES[t]
        lines, rest = [], columns % widest
        if columns >= widest:
            lines.append(f"for (long j = 0; j + {widest} <= {columns}; j += {widest}) {{")
            lines.append(f"    pack_{t}({inner}, {widest}, {widest}, b + j * {b[1]}, {b[0]}, {b[1]}, packed);")
            lines += ["    " + line for line in self.rows(t, rows, inner, widest, a, "c + j", columns)]
            lines.append("}")
        if rest:
            width = self.width(t, rest)
            start = columns - rest
            lines.append(f"pack_{t}({inner}, {rest}, {width}, b + {start * b[1]}, {b[0]}, {b[1]}, packed);")
            if rest == width:
                lines += self.rows(t, rows, inner, width, a, f"c + {start}", columns)
            else:
                lines.append(f"{t} *last = packed + {inner * width};")
                lines += self.rows(t, rows, inner, width, a, "last", width)
                lines.append(
                    f"for (long i = 0; i < {rows}; i++) "
                    f"for (long j = 0; j < {rest}; j++) c[i * {columns} + {start} + j] = last[i * {width} + j];"
                )
        return lines

    def width(self, t: str, columns: int) -> int:
        """The columns that are computed for so few: shorter vectors are multiplied two at a time."""
        width = 2 * self.lanes.bytes // SIZES[t]
        while width // 2 >= columns and width // 2 * SIZES[t] >= 16:
            width //= 2
        return width

    def few_rows(
        self, t: str, rows: int, columns: int, inner: int, a: tuple[int, int], b: tuple[int, int]
    ) -> list[str]:
        """Each element by itself, or each row as a sum of rows: every element of ``b`` is read once for each row."""
        x = f"a[i * {a[0]} + k * {a[1]}]"
        if b[0] == 1 and (a[1] == 1 or inner == 1):
            lines, rest = [f"for (long i = 0; i < {rows}; i++) {{"], columns % TOGETHER
            for start, stop, many in ((0, columns - rest, TOGETHER), (columns - rest, columns, rest)):
                if start < stop:
                    given = f"a + i * {a[0]}, b + {start * b[1]}, {b[1]}, c + i * {columns} + {start}"
                    lines.append(f"    {self.dots(t, many)}({inner}, {stop - start}, {given});")
            return [*lines, "}"]
        return [
            f"for (long i = 0; i < {rows}; i++) {{",
            f"    for (long j = 0; j < {columns}; j++) c[i * {columns} + j] = 0;",
            f"    for (long k = 0; k < {inner}; k++) {{",
            f"        const {t} x = {x};",
            "        #pragma omp simd",
            f"        for (long j = 0; j < {columns}; j++) c[i * {columns} + j] += x * b[k * {b[0]} + j * {b[1]}];",
            "    }",
            "}",
        ]

    def rows(self, t: str, rows: int, inner: int, width: int, a: tuple[int, int], c: str, distance: int) -> list[str]:
        """All rows times packed columns, in blocks of nearly the same number of rows."""
        count = -(-rows // self.lanes.rows)
        base, more = divmod(rows, count)
        lines, start = [], 0
        for size, times in ((base + 1, more), (base, count - more)):
            if times:
                name = self.block(t, size, width)
                lines.append(
                    f"for (long i = {start}; i < {start + size * times}; i += {size}) "
                    f"{name}({inner}, a + i * {a[0]}, {a[0]}, {a[1]}, packed, {c} + i * {distance}, {distance});"
                )
                start += size * times
        return lines

    def functions(self) -> list[str]:
        """The functions that products use."""
        kinds = sorted({name.rsplit("_", 1)[1] for name in self.blocks})
        packs = [
            PACK.format(t=t, size=4 if t == "float" else 8, four=16 if t == "float" else 32,
                        i="int32_t" if t == "float" else "int64_t")
            for t in kinds
        ]  # fmt: skip
        return [*([MIX, *packs, *self.blocks.values()] if kinds else []), *self.rows_by_columns.values()]
