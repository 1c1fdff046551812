"""Functions in C that the loops use: only those a program needs are written out, with what these need themselves."""

from __future__ import annotations

import re

BEGIN = """\
#include <stdint.h>
#include <stddef.h>
#include <math.h>
#include <string.h>

typedef void (*sgemm_t)(int, int, int, INT, INT, INT, float, const float *, INT, const float *, INT, float, float *,
                        INT);
typedef void (*dgemm_t)(int, int, int, INT, INT, INT, double, const double *, INT, const double *, INT, double,
                        double *, INT);
#ifdef _WIN32
#define ENTRY __declspec(dllexport) int
#else
#define ENTRY int
#endif
#define LOOP static void __attribute__((noinline))
"""

BOTH: dict[str, str] = {
    "abs": "static inline T abs_T(T x) { return __builtin_fabsS(x); }",
    "sqrt": "static inline T sqrt_T(T x) { return __builtin_sqrtS(x); }",
    **{
        name: f"static inline T {name}_T(T x) {{ return __builtin_{name}S(x); }}"
        for name in ("floor", "ceil", "trunc", "rint")
    },
    **{
        name: f"static inline T {name}_T(T x) {{ return {name}S(x); }}"
        for name in (
            "exp",
            "log",
            "tanh",
            "expm1",
            "exp2",
            "log1p",
            "log2",
            "log10",
            "sin",
            "cos",
            "tan",
            "sinh",
            "cosh",
            "asin",
            "acos",
            "atan",
            "asinh",
            "acosh",
            "atanh",
            "cbrt",
        )
    },
    **{
        name: f"static inline T {name}_T(T x, T y) {{ return {name}S(x, y); }}"
        for name in ("pow", "fmod", "copysign", "hypot", "atan2", "nextafter")
    },
    "remainder": """\
static inline T remainder_T(T x, T y) {
    T r = fmodS(x, y);
    if (y == 0) return r;
    if (r != 0) return ((y < 0) != (r < 0)) ? r + y : r;
    return copysignS(0, y);
}""",
    "floor_divide": """\
static inline T floor_divide_T(T x, T y) {
    if (y == 0) return x / y;
    T r = fmodS(x, y), q = (x - r) / y;
    if (r != 0 && ((y < 0) != (r < 0))) q -= 1;
    if (q == 0) return copysignS(0, x / y);
    T f = floorS(q);
    return q - f > (T)0.5 ? f + 1 : f;
}""",
    "logaddexp": """\
static inline T logaddexp_T(T x, T y) {
    if (x == y) return x + (T)0.693147180559945309417232121458;
    T d = x - y;
    return d > 0 ? x + log1pS(expS(-d)) : d <= 0 ? y + log1pS(expS(d)) : d;
}""",
    "logaddexp2": """\
static inline T logaddexp2_T(T x, T y) {
    if (x == y) return x + 1;
    T d = x - y;
    const T e = (T)1.442695040888963407359924681;
    return d > 0 ? x + e * log1pS(exp2S(-d)) : d <= 0 ? y + e * log1pS(exp2S(d)) : d;
}""",
}
"""For float and double: T is which, and S the suffix of C's functions."""

OWN: dict[str, str] = {
    "exp_float": """\
static inline float exp_float(float x) { /* 2**n * exp(r), |r| <= log(2) / 2; largest relative error 7e-8 */
    const float kept = x > 88.8f ? 88.8f : x < -104.0f ? -104.0f : x;
    const float n = __builtin_rintf(kept * 1.44269504088896341f);
    const float r = (kept - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.9841270e-4f;
    p = p * r + 1.3888889e-3f;
    p = p * r + 8.3333333e-3f;
    p = p * r + 4.1666667e-2f;
    p = p * r + 1.6666667e-1f;
    p = p * r + 0.5f;
    p = p * r * r + r + 1.0f;
    const int32_t half = (int32_t)n >> 1, rest = (int32_t)n - half; /* in two factors: the result may be subnormal */
    union { int32_t i; float f; } a = {(half + 127) << 23}, b = {(rest + 127) << 23};
    return p * a.f * b.f;
}""",
    "FLOOR_DIVIDE": """\
#define FLOOR_DIVIDE(x, y) ({ __typeof__((x) + 0) x_ = (x), y_ = (y), q_ = 0; \\
    if (y_ == 0) q_ = 0; \\
    else if (y_ == (__typeof__(x))-1 && (__typeof__(x))-1 < 0) q_ = -x_; \\
    else { q_ = x_ / y_; if (x_ % y_ != 0 && (x_ < 0) != (y_ < 0)) q_ -= 1; } q_; })""",
    "REMAINDER": """\
#define REMAINDER(x, y) ({ __typeof__((x) + 0) x_ = (x), y_ = (y), r_ = 0; \\
    if (y_ != 0 && !(y_ == (__typeof__(x))-1 && (__typeof__(x))-1 < 0)) { \\
        r_ = x_ % y_; if (r_ != 0 && (r_ < 0) != (y_ < 0)) r_ += y_; } r_; })""",
    "FMOD": """\
#define FMOD(x, y) ({ __typeof__((x) + 0) x_ = (x), y_ = (y), r_ = 0; \\
    if (y_ != 0 && !(y_ == (__typeof__(x))-1 && (__typeof__(x))-1 < 0)) r_ = x_ % y_; r_; })""",
    "MAX_float": "#define MAX_float 3.402823466e+38f",
    "MAX_double": "#define MAX_double 1.7976931348623157e+308",
}
"""Of one type."""

CHOICES = {
    "maximum": ("x > y", "x != x"),
    "minimum": ("x < y", "x != x"),
    "fmax": ("x > y", "y != y"),
    "fmin": ("x < y", "y != y"),
}
"""Of the functions that choose one of two numbers, when it is the first."""

for choice, (better, alone) in CHOICES.items():
    for kind, whole in (("float", "int32_t"), ("double", "int64_t")):
        OWN[f"{choice}_{kind}"] = f"""\
static inline {kind} {choice}_{kind}({kind} x, {kind} y) {{ /* by bits: as branches many of them are not vectorised */
    union {{ {kind} f; {whole} i; }} a = {{x}}, b = {{y}};
    const {whole} first = -({whole})(({better}) | ({alone}));
    a.i = (a.i & first) | (b.i & ~first);
    return a.f;
}}"""

WORD = re.compile(r"\b[A-Za-z_]\w*\b")


def functions(body: str) -> str:
    """The functions a piece of C uses."""
    known = dict(OWN)
    for name, text in BOTH.items():
        for kind, suffix in (("float", "f"), ("double", "")):
            own = re.sub(r"\bT\b|(?<=_)T\b", kind, text)
            known.setdefault(f"{name}_{kind}", re.sub(r"(?<=[a-z0-9])S\(", f"{suffix}(", own))
    found: dict[str, str] = {}

    def visit(text: str) -> None:
        for word in WORD.findall(text):
            if word in known and word not in found:
                found[word] = ""
                visit(known[word])
                del found[word]
                found[word] = known[word]

    visit(body)
    return "\n".join(found.values())
